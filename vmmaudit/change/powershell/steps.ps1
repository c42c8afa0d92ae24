
function Get-PlannedObject {
    param($Step, [string[]] $Properties)
    $found = @(Get-ADObject -Server $Step.Domain -LDAPFilter "(objectSid=$($Step.Sid))" -Properties $Properties)
    if ($found.Count -ne 1) { throw "Step $($Step.Number): $($Step.Name) was not found by its SID in $($Step.Domain)." }
    $found[0]
}

function ConvertTo-FilterValue {
    param([string] $Value)
    $escaped = New-Object System.Text.StringBuilder
    foreach ($byte in [System.Text.Encoding]::UTF8.GetBytes($Value)) { [void] $escaped.AppendFormat('\{0:x2}', $byte) }
    $escaped.ToString()
}

function Test-SameSet {
    param($One, $Other)
    $first = @($One | ForEach-Object { ([string] $_).ToLowerInvariant() } | Sort-Object -Unique)
    $second = @($Other | ForEach-Object { ([string] $_).ToLowerInvariant() } | Sort-Object -Unique)
    ($first -join [char] 0) -ceq ($second -join [char] 0)
}

function Test-SameList {
    param($One, $Other)
    (@($One) -join '|') -ceq (@($Other) -join '|')
}

function Get-Entries {
    param([System.Security.AccessControl.RawSecurityDescriptor] $Descriptor)
    if ($null -eq $Descriptor.DiscretionaryAcl) { throw 'There is no access control list; everybody has every right.' }
    foreach ($entry in $Descriptor.DiscretionaryAcl) {
        $bytes = New-Object byte[] $entry.BinaryLength
        $entry.GetBinaryForm($bytes, 0)
        [Convert]::ToBase64String($bytes)
    }
}

function Read-Descriptor {
    param($Step)
    if ($Step.Layer -eq 'share') {
        $share = Get-SmbShare -CimSession $Step.Computer -Name $Step.Share
        return New-Object System.Security.AccessControl.RawSecurityDescriptor($share.SecurityDescriptor)
    }
    if ($Step.Layer -eq 'directory') {
        $object = Get-ADObject -Server $Step.Domain -Identity $Step.Place -Properties 'msDS-AllowedToActOnBehalfOfOtherIdentity'
        $bytes = $object.'msDS-AllowedToActOnBehalfOfOtherIdentity'
        if ($null -eq $bytes) { return New-Object System.Security.AccessControl.RawSecurityDescriptor('O:BAD:') }
        if ($bytes -isnot [byte[]]) { $bytes = $bytes.GetSecurityDescriptorBinaryForm() }
        return New-Object System.Security.AccessControl.RawSecurityDescriptor($bytes, 0)
    }
    $acl = (Get-Item -LiteralPath $Step.Place -Force).GetAccessControl('Access')
    New-Object System.Security.AccessControl.RawSecurityDescriptor($acl.GetSecurityDescriptorBinaryForm(), 0)
}

function Write-Descriptor {
    param($Step, [System.Security.AccessControl.RawSecurityDescriptor] $Descriptor)
    $bytes = New-Object byte[] $Descriptor.BinaryLength
    $Descriptor.GetBinaryForm($bytes, 0)
    if ($Step.Layer -eq 'share') {
        Set-SmbShare -CimSession $Step.Computer -Name $Step.Share -SecurityDescriptor $Descriptor.GetSddlForm('All') -Force
    }
    elseif ($Step.Layer -eq 'directory') {
        $security = New-Object System.DirectoryServices.ActiveDirectorySecurity
        $security.SetSecurityDescriptorBinaryForm($bytes)
        $account = Get-ADObject -Server $Step.Domain -Identity $Step.Place
        $account.'msDS-AllowedToActOnBehalfOfOtherIdentity' = $security
        Set-ADObject -Instance $account
    }
    else {
        $item = Get-Item -LiteralPath $Step.Place -Force
        $acl = $item.GetAccessControl('Access')
        $acl.SetSecurityDescriptorBinaryForm($bytes, 'Access')
        $item.SetAccessControl($acl)
    }
}

function Edit-Entries {
    param([System.Security.AccessControl.RawSecurityDescriptor] $Descriptor, [string[]] $Wanted)
    $list = $Descriptor.DiscretionaryAcl
    for ($index = $list.Count - 1; $index -ge 0; $index--) {
        $entry = $list[$index]
        $bytes = New-Object byte[] $entry.BinaryLength
        $entry.GetBinaryForm($bytes, 0)
        if ($Wanted -cnotcontains [Convert]::ToBase64String($bytes)) { $list.RemoveAce($index) }
    }
    for ($index = 0; $index -lt $Wanted.Count; $index++) {
        $present = $null
        if ($index -lt $list.Count) {
            $bytes = New-Object byte[] $list[$index].BinaryLength
            $list[$index].GetBinaryForm($bytes, 0)
            $present = [Convert]::ToBase64String($bytes)
        }
        if ($present -cne $Wanted[$index]) {
            $entry = [System.Security.AccessControl.GenericAce]::CreateFromBinaryForm([Convert]::FromBase64String($Wanted[$index]), 0)
            $list.InsertAce($index, $entry)
        }
    }
    while ($list.Count -gt $Wanted.Count) { $list.RemoveAce($list.Count - 1) }
    $Descriptor
}

function Test-Member {
    param($Step)
    $filter = "(&(objectSid=$($Step.MemberSid))(memberOf=$(ConvertTo-FilterValue $Step.Dn)))"
    @(Get-ADObject -Server $Step.MemberDomain -LDAPFilter $filter).Count -gt 0
}

# 'before' and 'after' are the values that the plan recorded; anything else is 'other'.
function Get-State {
    param($Step)
    switch ($Step.Kind) {
        'list' {
            $present = @((Get-PlannedObject $Step $Step.Attribute).($Step.Attribute))
            if (Test-SameSet $present $Step.After) { return 'after' }
            if (Test-SameSet $present $Step.Before) { return 'before' }
            return 'other'
        }
        'number' {
            $present = [long] (Get-PlannedObject $Step $Step.Attribute).($Step.Attribute)
            if ($present -eq $Step.After) { return 'after' }
            if ($present -eq $Step.Before) { return 'before' }
            return 'other'
        }
        'member' {
            if ((Test-Member $Step) -eq $Step.Joins) { return 'after' }
            return 'before'
        }
        'entries' {
            $present = @(Get-Entries (Read-Descriptor $Step))
            if (Test-SameList $present $Step.After) { return 'after' }
            if (Test-SameList $present $Step.Before) { return 'before' }
            return 'other'
        }
        'restart' { return 'none' }
    }
    throw "Step $($Step.Number): unknown kind."
}

function Set-Control {
    param($Object, $Step, [long] $Wanted)
    $present = [long] $Object.userAccountControl
    foreach ($bit in 0x2, 0x100000, 0x1000000) {
        if (($present -band $bit) -eq ($Wanted -band $bit)) { continue }
        $on = ($Wanted -band $bit) -ne 0
        switch ($bit) {
            0x2 { if ($on) { Disable-ADAccount -Server $Step.Domain -Identity $Object } else { Enable-ADAccount -Server $Step.Domain -Identity $Object } }
            0x100000 { Set-ADAccountControl -Server $Step.Domain -Identity $Object -AccountNotDelegated $on }
            0x1000000 { Set-ADAccountControl -Server $Step.Domain -Identity $Object -TrustedToAuthForDelegation $on }
        }
    }
}

# Makes the value 'after', or with -Back the value 'before'.
function Set-State {
    param($Step, [switch] $Back)
    switch ($Step.Kind) {
        'list' {
            $object = Get-PlannedObject $Step $Step.Attribute
            $add = if ($Back) { $Step.Remove } else { $Step.Add }
            $remove = if ($Back) { $Step.Add } else { $Step.Remove }
            foreach ($value in $remove) { Set-ADObject -Server $Step.Domain -Identity $object -Remove @{ $Step.Attribute = $value } }
            foreach ($value in $add) { Set-ADObject -Server $Step.Domain -Identity $object -Add @{ $Step.Attribute = $value } }
        }
        'number' {
            $object = Get-PlannedObject $Step $Step.Attribute
            $wanted = if ($Back) { $Step.Before } else { $Step.After }
            if ($Step.Attribute -eq 'userAccountControl') { Set-Control $object $Step $wanted }
            elseif ($Back) { Set-ADAccountExpiration -Server $Step.Domain -Identity $object -DateTime ([DateTime]::FromFileTimeUtc($wanted)) }
            else { Clear-ADAccountExpiration -Server $Step.Domain -Identity $object }
        }
        'member' {
            $group = Get-PlannedObject $Step @('member')
            if ($Step.Joins -ne [bool] $Back) { Set-ADObject -Server $Step.Domain -Identity $group -Add @{ member = $Step.MemberDn } }
            else { Set-ADObject -Server $Step.Domain -Identity $group -Remove @{ member = $Step.MemberDn } }
        }
        'entries' {
            $wanted = if ($Back) { $Step.Before } else { $Step.After }
            Write-Descriptor $Step (Edit-Entries (Read-Descriptor $Step) $wanted)
        }
    }
}

if ($Only.Count) { $Steps = @($Steps | Where-Object { $Only -contains $_.Number }) }
if (@($Steps | Where-Object { $_.ContainsKey('Sid') }).Count) { Import-Module ActiveDirectory }
