#Requires -Version 5.1
<#
.SYNOPSIS
    Reads what an audit with vmmaudit needs, and writes it as JSON. Changes nothing.

.DESCRIPTION
    NOT RUN ON WINDOWS BY US: syntax and commands are checked by our tests, nothing more.
    Read it before you run it; it is short.

    It reads accounts and groups in Active Directory, shares and permissions of the library
    servers, services, start times, local groups and whether SMB 1 is on of hosts, library and VMM
    servers, and VMM's inventory where its cmdlets are installed. It reads no password, starts nothing, changes
    nothing, and sends nothing anywhere: the files in -Output are all there is.

.PARAMETER Scope
    A text file with a line for each thing to read:
        domain contoso.local
        vmm vmm01.contoso.local
        account CONTOSO\svc-vmm
        host HYPER07.contoso.local
        cluster HVCL01.contoso.local
        library \\libserver01\iso
    "vmmaudit collector FOLDER --scope scope.yaml" writes it.

.PARAMETER Output
    A folder that does not exist yet.

.PARAMETER Force
    Do not ask before reading.

.EXAMPLE
    powershell -File collect.ps1 -Scope scope.txt -Output C:\audit\2026-Q4
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)] [string] $Scope,
    [Parameter(Mandatory = $true)] [string] $Output,
    [switch] $Force
)

$ErrorActionPreference = 'Stop'
$ScriptVersion = '3'
$Started = [DateTime]::UtcNow

# What is read of every account: no attribute of it holds a secret.
$Principal = 'accountExpires', 'cn', 'dNSHostName', 'groupType', 'lastLogonTimestamp',
    'msDS-AdditionalDnsHostName', 'msDS-AllowedToActOnBehalfOfOtherIdentity',
    'msDS-AllowedToDelegateTo', 'msDS-AssignedAuthNPolicy', 'msDS-SupportedEncryptionTypes',
    'msDS-User-Account-Control-Computed', 'objectClass', 'objectSid', 'operatingSystem',
    'operatingSystemVersion', 'primaryGroupID', 'pwdLastSet', 'replPropertyMetaData',
    'sAMAccountName', 'sIDHistory', 'servicePrincipalName', 'userAccountControl',
    'userPrincipalName', 'whenChanged'
$Named = 'cn', 'groupType', 'member', 'objectClass', 'objectSid', 'sAMAccountName', 'whenChanged'
$Services = 'SCVMMService', 'VMMService', 'SCVMMAgent', 'VMMAgent', 'vmms', 'LanmanServer'

$Rows = @{}
$Sids = @{}
$Seen = @{}

# ---- What is kept ---------------------------------------------------------------------------

function Add-Row([string] $File, $Row) {
    if (-not $Rows.ContainsKey($File)) { $Rows[$File] = [Collections.Generic.List[object]]::new() }
    $Rows[$File].Add($Row)
}

function Add-Problem([string] $Target, [string] $What, $Problem) {
    Add-Row 'problems' ([ordered]@{ Target = $Target; What = $What; Error = [string] $Problem })
    Write-Host ("  not read: {0}: {1}: {2}" -f $Target, $What, $Problem)
}

function ConvertTo-Base64($Bytes) {
    @{ base64 = [Convert]::ToBase64String([byte[]] $Bytes) }
}

function ConvertTo-Utc($Moment) {
    if ($null -ne $Moment) { ([DateTime] $Moment).ToUniversalTime().ToString('o') }
}

function ConvertTo-Plain($Value) {
    if ($null -eq $Value) { return $null }
    if ($Value -is [DateTime]) { return (ConvertTo-Utc $Value) }
    if ($Value -is [bool]) { return $Value }
    if ($Value -is [string] -or $Value -is [ValueType]) { return $Value.ToString() }
    if ($Value -is [Collections.IEnumerable]) {
        return , @($Value | ForEach-Object { ConvertTo-Plain $_ })
    }
    if ($Value.PSObject.Properties['Name']) { return [string] $Value.Name }
    return [string] $Value
}

function Add-TrusteeSids([byte[]] $Descriptor) {
    $parsed = [Security.AccessControl.RawSecurityDescriptor]::new($Descriptor, 0)
    if ($parsed.Owner) { $Sids[$parsed.Owner.Value] = $true }
    foreach ($entry in $parsed.DiscretionaryAcl) {
        if ($entry.PSObject.Properties['SecurityIdentifier']) {
            $Sids[$entry.SecurityIdentifier.Value] = $true
        }
    }
}

# ---- Active Directory -----------------------------------------------------------------------

function Get-Connection([string] $Domain) {
    $place = [DirectoryServices.Protocols.LdapDirectoryIdentifier]::new($Domain)
    $connection = [DirectoryServices.Protocols.LdapConnection]::new($place)
    $connection.SessionOptions.ProtocolVersion = 3
    $connection.SessionOptions.Signing = $true
    $connection.SessionOptions.Sealing = $true
    $connection.SessionOptions.ReferralChasing = 'None'
    $connection.Bind()
    return $connection
}

function Get-RestOfRange($Connection, [string] $Dn, [string] $Name, [int] $From) {
    # Active Directory hands out 1,500 values of an attribute at once.
    while ($From -ge 0) {
        $rest = '{0};range={1}-*' -f $Name, $From
        $request = [DirectoryServices.Protocols.SearchRequest]::new($Dn, '(objectClass=*)', 'Base', $rest)
        $entry = $Connection.SendRequest($request).Entries[0]
        $From = -1
        foreach ($found in $entry.Attributes.AttributeNames) {
            foreach ($value in $entry.Attributes[$found].GetValues([byte[]])) { ConvertTo-Base64 $value }
            if ($found -match ';range=\d+-(\d+)$') { $From = [int] $Matches[1] + 1 }
        }
    }
}

function Search-Directory($Place, [string] $File, [string] $Base, [string] $Depth, [string] $Filter, [string[]] $Attributes) {
    # Every search is noted, so that nothing found is told from not asked.
    $key = ($Place.Domain, $Base, $Depth, $Filter, ($Attributes -join ',')) -join '|'
    if ($Seen.ContainsKey($key)) { return }
    $Seen[$key] = $true
    $scopes = @{ base = 'Base'; one = 'OneLevel'; sub = 'Subtree' }
    $note = [ordered]@{
        domain = $Place.Domain; controller = $Place.Controller; base = $Base; scope = $Depth
        filter = $Filter; attributes = $Attributes; file = $File; found = 0; error = $null
    }
    try {
        $request = [DirectoryServices.Protocols.SearchRequest]::new($Base, $Filter, $scopes[$Depth], $Attributes)
        $page = [DirectoryServices.Protocols.PageResultRequestControl]::new(500)
        if ($Base -ne '') { [void] $request.Controls.Add($page) }
        if ($Attributes -contains 'nTSecurityDescriptor') {
            $parts = [DirectoryServices.Protocols.SecurityMasks] 'Owner, Group, Dacl'
            [void] $request.Controls.Add([DirectoryServices.Protocols.SecurityDescriptorFlagControl]::new($parts))
        }
        do {
            $response = $Place.Connection.SendRequest($request)
            foreach ($entry in $response.Entries) {
                $row = [ordered]@{
                    dn = $entry.DistinguishedName; domain = $Place.Domain
                    controller = $Place.Controller; base = $Base; scope = $Depth; filter = $Filter
                }
                foreach ($name in $entry.Attributes.AttributeNames) {
                    $values = @(foreach ($value in $entry.Attributes[$name].GetValues([byte[]])) { ConvertTo-Base64 $value })
                    if ($name -match '^(.+);range=\d+-(\d+|\*)$') {
                        $name = $Matches[1]
                        if ($Matches[2] -ne '*') {
                            $values += @(Get-RestOfRange $Place.Connection $entry.DistinguishedName $name ([int] $Matches[2] + 1))
                        }
                    }
                    $row[$name] = $values
                }
                Add-Row $File $row
                $note.found += 1
                $entry
            }
            $cookie = $response.Controls | Where-Object { $_ -is [DirectoryServices.Protocols.PageResultResponseControl] }
            if ($cookie) { $page.Cookie = $cookie.Cookie }
        } while ($cookie -and $cookie.Cookie.Length -gt 0)
    }
    catch {
        $note.error = [string] $_
        Add-Problem $Place.Domain "search $Filter" $_
    }
    Add-Row 'searches' $note
}

function ConvertTo-FilterText([string] $Text) {
    -join ([Text.Encoding]::UTF8.GetBytes($Text) | ForEach-Object {
        if ($_ -lt 32 -or $_ -gt 126 -or [char] $_ -in '*', '(', ')', '\') { '\{0:x2}' -f $_ } else { [char] $_ }
    })
}

function ConvertTo-SidFilter([string] $Sid) {
    $object = [Security.Principal.SecurityIdentifier]::new($Sid)
    $bytes = [byte[]]::new($object.BinaryLength)
    $object.GetBinaryForm($bytes, 0)
    '(objectSid={0})' -f (-join ($bytes | ForEach-Object { '\{0:x2}' -f $_ }))
}

function Read-Tokens($Place, $Entries) {
    foreach ($entry in $Entries) {
        $found = Search-Directory $Place 'tokens' $entry.DistinguishedName 'base' '(objectClass=*)' ('tokenGroups', 'tokenGroupsGlobalAndUniversal')
        foreach ($token in $found) {
            if (-not $token.Attributes['tokenGroups']) { continue }
            foreach ($value in $token.Attributes['tokenGroups'].GetValues([byte[]])) {
                $Sids[[Security.Principal.SecurityIdentifier]::new($value, 0).Value] = $true
            }
        }
    }
}

function Read-Domain($Place) {
    $base = ($Place.Domain.Split('.') | ForEach-Object { "DC=$_" }) -join ','
    $root = @(Search-Directory $Place 'rootdse' '' 'base' '(objectClass=*)' ('configurationNamingContext', 'currentTime',
        'defaultNamingContext', 'dnsHostName', 'domainControllerFunctionality', 'domainFunctionality',
        'forestFunctionality', 'rootDomainNamingContext'))
    [void] (Search-Directory $Place 'domains' $base 'base' '(objectClass=*)' ('msDS-Behavior-Version', 'nTMixedDomain', 'objectSid'))
    if ($root.Count -gt 0) {
        $configuration = $root[0].Attributes['configurationNamingContext'].GetValues([string])[0]
        [void] (Search-Directory $Place 'partitions' "CN=Partitions,$configuration" 'one' "(&(objectClass=crossRef)(nCName=$(ConvertTo-FilterText $base)))" ('msDS-Behavior-Version', 'nCName', 'nETBIOSName'))
    }
    [void] (Search-Directory $Place 'trusts' "CN=System,$base" 'one' '(objectClass=trustedDomain)' ('flatName', 'securityIdentifier', 'trustAttributes', 'trustDirection', 'trustPartner'))
    $bit = ':1.2.840.113556.1.4.803:='
    [void] (Search-Directory $Place 'controllers' $base 'sub' "(&(objectCategory=computer)(|(userAccountControl${bit}8192)(userAccountControl${bit}67108864)))" ('dNSHostName', 'objectSid', 'operatingSystem', 'operatingSystemVersion', 'sAMAccountName', 'userAccountControl'))
    [void] (Search-Directory $Place 'spns' $base 'sub' '(servicePrincipalName=SCVMM/*)' $Principal)
    [void] (Search-Directory $Place 'clusters' $base 'sub' '(&(objectCategory=computer)(servicePrincipalName=MSClusterVirtualServer/*))' ('dNSHostName', 'nTSecurityDescriptor', 'objectSid', 'sAMAccountName'))
    [void] (Search-Directory $Place 'connectionpoints' $base 'sub' '(&(objectClass=serviceConnectionPoint)(|(cn=MSVMM)(cn=Microsoft Hyper-V)))' ('cn', 'keywords', 'serviceBindingInformation', 'serviceClassName', 'serviceDNSName'))
    [void] (Search-Directory $Place 'hyperv' $base 'sub' '(&(objectCategory=computer)(|(servicePrincipalName=Microsoft Virtual System Migration Service/*)(servicePrincipalName=Microsoft Virtual Console Service/*)(servicePrincipalName=Hyper-V Replica Service/*)))' $Principal)
    [void] (Search-Directory $Place 'silos' $base 'sub' '(msDS-AssignedAuthNPolicySilo=*)' ('msDS-AssignedAuthNPolicySilo'))
    foreach ($name in @($Computers + $Wanted.cluster)) {
        $full = ConvertTo-FilterText $name
        $short = ConvertTo-FilterText ($name.Split('.')[0])
        $forms = "(sAMAccountName=$short`$)"
        if ($name.Contains('.')) { $forms += "(dNSHostName=$full)(msDS-AdditionalDnsHostName=$full)" }
        $found = Search-Directory $Place 'computers' $base 'sub' "(&(objectCategory=computer)(|$forms))" $Principal
        Read-Tokens $Place $found
        foreach ($entry in $found) {
            [void] (Search-Directory $Place 'computersecurity' $entry.DistinguishedName 'base' '(objectCategory=computer)' ('nTSecurityDescriptor', 'objectSid'))
        }
        foreach ($form in @($name, $name.Split('.')[0] | Sort-Object -Unique)) {
            $spelt = ConvertTo-FilterText $form
            [void] (Search-Directory $Place 'spns' $base 'sub' "(|(servicePrincipalName=cifs/$spelt)(servicePrincipalName=HOST/$spelt))" $Principal)
        }
    }
    foreach ($name in $Wanted.account) {
        $whole = ConvertTo-FilterText $name
        $short = ConvertTo-FilterText ($name.Split('@')[0])
        $query = "(|(userPrincipalName=$whole)(sAMAccountName=$short))"
        if ($name.Contains('\')) { $query = "(sAMAccountName=$(ConvertTo-FilterText ($name.Split('\')[1])))" }
        $found = Search-Directory $Place 'accounts' $base 'sub' "(&(objectSid=*)$query)" $Principal
        Read-Tokens $Place $found
    }
}

function Read-Groups($Place) {
    # The groups of all tokens, and whoever permissions name: in fifties, as servers like it.
    $base = ($Place.Domain.Split('.') | ForEach-Object { "DC=$_" }) -join ','
    $all = @($Sids.Keys | Sort-Object)
    for ($start = 0; $start -lt $all.Count; $start += 50) {
        $some = $all[$start..([Math]::Min($start + 49, $all.Count - 1))]
        $found = Search-Directory $Place 'groups' $base 'sub' "(|$(-join ($some | ForEach-Object { ConvertTo-SidFilter $_ })))" $Named
        foreach ($entry in $found) {
            [void] (Search-Directory $Place 'linktimes' $entry.DistinguishedName 'base' '(objectClass=group)' ('msDS-ReplValueMetaData'))
        }
    }
}

# ---- Library servers ------------------------------------------------------------------------

function Read-Share([string] $Unc) {
    $server, $share = $Unc.TrimStart('\').Split('\')[0, 1]
    try {
        foreach ($found in Get-SmbShare -CimSession $server -Name $share) {
            $row = [ordered]@{ server = $server; share = $share }
            foreach ($name in 'Name', 'ScopeName', 'Path', 'FolderEnumerationMode', 'CachingMode', 'EncryptData', 'ConcurrentUserLimit', 'ContinuouslyAvailable') {
                $row[$name] = ConvertTo-Plain $found.$name
            }
            # Letters for accounts of a domain are read as those of this machine's domain.
            $row.sddl = [string] $found.SecurityDescriptor
            if ($row.sddl) {
                $object = [Security.AccessControl.RawSecurityDescriptor]::new($row.sddl)
                $bytes = [byte[]]::new($object.BinaryLength)
                $object.GetBinaryForm($bytes, 0)
                $row.descriptor = ConvertTo-Base64 $bytes
                Add-TrusteeSids $bytes
            }
            Add-Row 'shares' $row
        }
        foreach ($entry in Get-SmbShareAccess -CimSession $server -Name $share) {
            Add-Row 'shareaccess' ([ordered]@{
                server = $server; share = $share; AccountName = [string] $entry.AccountName
                AccessControlType = [string] $entry.AccessControlType; AccessRight = [string] $entry.AccessRight
            })
        }
    }
    catch { Add-Problem $Unc 'share permissions' $_ }
    Read-Files $Unc $server $share
}

function Read-Files([string] $Unc, [string] $Server, [string] $Share) {
    $problems = @()
    $items = @()
    try {
        $items = @(Get-Item -LiteralPath $Unc -Force)
        $items += @(Get-ChildItem -LiteralPath $Unc -Recurse -Force -ErrorAction SilentlyContinue -ErrorVariable problems |
            Where-Object { $_.PSIsContainer -or $_.Extension -eq '.iso' })
    }
    catch { Add-Problem $Unc 'files' $_ }
    foreach ($problem in $problems) { Add-Problem ([string] $problem.TargetObject) 'files' $problem }
    foreach ($item in $items) {
        $row = [ordered]@{
            server = $Server; share = $Share; path = $item.FullName.Substring([Math]::Min($Unc.Length, $item.FullName.Length)).TrimStart('\')
            kind = 'file'; size = $null; attributes = [string] $item.Attributes
            changed = ConvertTo-Utc $item.LastWriteTimeUtc
        }
        if ($item.PSIsContainer) { $row.kind = 'folder' } else { $row.size = [string] $item.Length }
        try {
            $permissions = Get-Acl -LiteralPath $item.FullName
            $bytes = $permissions.GetSecurityDescriptorBinaryForm()
            $row.descriptor = ConvertTo-Base64 $bytes
            $row.sddl = $permissions.Sddl
            Add-TrusteeSids $bytes
        }
        catch { Add-Problem $item.FullName 'permissions' $_ }
        Add-Row 'files' $row
    }
}

# ---- Every server ---------------------------------------------------------------------------

function Read-Server([string] $Server) {
    try {
        $filter = ($Services | ForEach-Object { "Name='$_'" }) -join ' OR '
        $found = @(Get-CimInstance -ComputerName $Server -ClassName Win32_Service -Filter $filter)
        foreach ($name in $Services) {
            $service = $found | Where-Object { $_.Name -eq $name } | Select-Object -First 1
            $row = [ordered]@{ server = $Server; service = $name; exists = [bool] $service }
            foreach ($property in 'DisplayName', 'StartName', 'StartMode', 'State', 'ProcessId', 'ServiceType') {
                $row[$property] = if ($service) { ConvertTo-Plain $service.$property } else { $null }
            }
            Add-Row 'services' $row
        }
    }
    catch { Add-Problem $Server 'services' $_ }
    try {
        $system = Get-CimInstance -ComputerName $Server -ClassName Win32_OperatingSystem
        Add-Row 'systems' ([ordered]@{
            server = $Server; CSName = [string] $system.CSName; Caption = [string] $system.Caption
            Version = [string] $system.Version; LastBootUpTime = ConvertTo-Utc $system.LastBootUpTime
            LocalDateTime = ConvertTo-Utc $system.LocalDateTime; askedUtc = ConvertTo-Utc ([DateTime]::UtcNow)
        })
    }
    catch { Add-Problem $Server 'start time' $_ }
    try {
        $settings = Get-SmbServerConfiguration -CimSession $Server
        Add-Row 'smbservers' ([ordered]@{
            server = $Server; EnableSMB1Protocol = ConvertTo-Plain $settings.EnableSMB1Protocol
        })
    }
    catch { Add-Problem $Server 'SMB configuration' $_ }
    try {
        # Found by SID, since their names are translated.
        foreach ($group in Get-CimInstance -ComputerName $Server -ClassName Win32_Group -Filter 'LocalAccount=TRUE') {
            Read-LocalGroup $Server $group
        }
    }
    catch { Add-Problem $Server 'local groups' $_ }
}

function Read-LocalGroup([string] $Server, $Group) {
    $row = [ordered]@{ server = $Server; Name = [string] $Group.Name; SID = [string] $Group.SID; complete = $true; members = @() }
    try {
        $object = [ADSI] "WinNT://$Server/$($Group.Name),group"
        $row.members = @(foreach ($member in @($object.Invoke('Members'))) {
            $entry = [ADSI] $member
            $sid = [Security.Principal.SecurityIdentifier]::new([byte[]] $entry.objectSid.Value, 0).Value
            $Sids[$sid] = $true
            [ordered]@{ Name = [string] $entry.Path; SID = $sid }
        })
    }
    catch {
        $row.complete = $false
        Add-Problem $Server "members of $($Group.Name)" $_
    }
    Add-Row 'localgroups' $row
}

# ---- Virtual Machine Manager ----------------------------------------------------------------

function Read-Vmm([string] $Server) {
    # 2012 and later, else 2008 R2; named properties alone, never an account object whole.
    $new = [bool] (Get-Command -Name Get-SCVMMServer -ErrorAction SilentlyContinue)
    if (-not $new -and -not (Get-Command -Name Get-VMMServer -ErrorAction SilentlyContinue)) {
        Add-Problem $Server 'VMM inventory' 'the cmdlets of VMM are not installed here'
        return
    }
    try {
        $vmm = if ($new) { Get-SCVMMServer -ComputerName $Server } else { Get-VMMServer -ComputerName $Server }
    }
    catch { Add-Problem $Server 'VMM inventory' $_; return }
    $kinds = @(
        @{ file = 'vmm-server'; new = { $vmm }; old = { $vmm }
           keep = 'Name', 'FullyQualifiedDomainName', 'ProductVersion', 'IsHighlyAvailable', 'LibraryRefresherEnabled', 'LibraryRefresherFrequency' },
        @{ file = 'vmm-hosts'; new = { Get-SCVMHost -VMMServer $vmm }; old = { Get-VMHost -VMMServer $vmm }
           keep = 'ID', 'Name', 'ComputerName', 'FQDN', 'FullyQualifiedDomainName', 'VirtualizationPlatform', 'HostCluster', 'AgentVersion', 'AgentVersionState', 'OverallState', 'CommunicationState', 'MigrationAuthProtocol' },
        @{ file = 'vmm-clusters'; new = { Get-SCVMHostCluster -VMMServer $vmm }; old = { Get-VMHostCluster -VMMServer $vmm }
           keep = 'ID', 'Name', 'Nodes' },
        @{ file = 'vmm-runas'; new = { Get-SCRunAsAccount -VMMServer $vmm }; old = { @() }
           keep = 'ID', 'Name', 'UserName', 'Domain', 'Enabled' },
        @{ file = 'vmm-computers'; new = { Get-SCVMMManagedComputer -VMMServer $vmm }; old = { Get-VMMManagedComputer -VMMServer $vmm }
           keep = 'ID', 'Name', 'FullyQualifiedDomainName', 'RoleString', 'AgentVersion', 'State' },
        @{ file = 'vmm-libraryservers'; new = { Get-SCLibraryServer -VMMServer $vmm }; old = { Get-LibraryServer -VMMServer $vmm }
           keep = 'ID', 'Name', 'FullyQualifiedDomainName', 'LibraryShares', 'OverallState', 'Status' },
        @{ file = 'vmm-libraryshares'; new = { Get-SCLibraryShare -VMMServer $vmm }; old = { Get-LibraryShare -VMMServer $vmm }
           keep = 'ID', 'Name', 'Path', 'LibraryServer' },
        @{ file = 'vmm-isos'; new = { Get-SCISO -VMMServer $vmm }; old = { Get-ISO -VMMServer $vmm }
           keep = 'ID', 'Name', 'SharePath', 'LibraryServer', 'Directory', 'Enabled', 'FamilyName', 'Release', 'Owner' },
        @{ file = 'vmm-dvddrives'; new = { Get-SCVirtualDVDDrive -VMMServer $vmm -All }; old = { Get-VirtualDVDDrive -VMMServer $vmm -All }
           keep = 'ID', 'Name', 'ISO', 'ISOLinked', 'Bus', 'LUN', 'VMID' },
        @{ file = 'vmm-jobs'; new = { Get-SCJob -VMMServer $vmm -All }; old = { @() }
           keep = 'ID', 'Name', 'CmdletName', 'Status', 'ErrorInfo', 'StartTime', 'EndTime', 'ResultName' }
    )
    foreach ($kind in $kinds) {
        $read = if ($new) { $kind.new } else { $kind.old }
        try {
            foreach ($object in @(& $read)) {
                $row = [ordered]@{ vmm = $Server }
                foreach ($name in $kind.keep) {
                    if ($object.PSObject.Properties[$name]) { $row[$name] = ConvertTo-Plain $object.$name }
                }
                if ($object.PSObject.Properties['VMHostManagementCredential'] -and $object.VMHostManagementCredential) {
                    $row.VMHostManagementCredential = @{
                        Name = [string] $object.VMHostManagementCredential.Name
                        UserName = [string] $object.VMHostManagementCredential.UserName
                        Domain = [string] $object.VMHostManagementCredential.Domain
                    }
                }
                Add-Row $kind.file $row
            }
        }
        catch { Add-Problem $Server $kind.file $_ }
    }
}

# ---- What shall be read, said first ---------------------------------------------------------

$Wanted = @{ domain = @(); vmm = @(); account = @(); host = @(); cluster = @(); library = @() }
foreach ($line in Get-Content -LiteralPath $Scope -Encoding UTF8) {
    if ($line.Trim() -eq '' -or $line.StartsWith('#')) { continue }
    $kind, $name = $line.Trim() -split '\s+', 2
    if (-not $Wanted.ContainsKey($kind) -or -not $name) { throw "'$line' is not understood; write: host NAME" }
    $Wanted[$kind] += $name
}
$Libraries = @($Wanted.library | ForEach-Object { $_.TrimStart('\').Split('\')[0] } | Sort-Object -Unique)
$Computers = @($Wanted.host + $Libraries + $Wanted.vmm | Sort-Object -Unique)
if (Get-Item -LiteralPath $Output -ErrorAction SilentlyContinue) { throw "$Output exists already; name a new folder." }

Write-Host 'This reads, and changes nothing:'
Write-Host ("  Active Directory of {0}: accounts, groups, tokens of {1} computers and {2} accounts" -f ($Wanted.domain -join ', '), $Computers.Count, $Wanted.account.Count)
Write-Host ("  permissions of share, folders and ISO files: {0}" -f ($Wanted.library -join ', '))
Write-Host ("  services, start time, local groups and SMB 1: {0}" -f ($Computers -join ', '))
Write-Host ("  inventory of VMM: {0}" -f ($Wanted.vmm -join ', '))
Write-Host ("It writes JSON files to {0} and sends them nowhere." -f $Output)
if (-not $Force -and (Read-Host 'Go on? (y/N)') -notin 'y', 'Y', 'j', 'J') { return }

# ---- Reading --------------------------------------------------------------------------------

[void] [Reflection.Assembly]::LoadWithPartialName('System.DirectoryServices.Protocols')
$Places = @()
foreach ($domain in $Wanted.domain) {
    try {
        $connection = Get-Connection $domain
        $Places += @{ Domain = $domain; Connection = $connection; Controller = [string] $connection.SessionOptions.HostName }
    }
    catch { Add-Problem $domain 'directory' $_ }
}
foreach ($place in $Places) { Read-Domain $place }
foreach ($unc in $Wanted.library) { Read-Share ($unc.TrimEnd('\')) }
foreach ($server in $Computers) { Read-Server $server }
foreach ($server in $Wanted.vmm) { Read-Vmm $server }
foreach ($place in $Places) { Read-Groups $place }

# ---- Writing --------------------------------------------------------------------------------

[void] [IO.Directory]::CreateDirectory($Output)
$Folder = (Get-Item -LiteralPath $Output).FullName
$Utf8 = [Text.UTF8Encoding]::new($false)
$Files = foreach ($name in @($Rows.Keys | Sort-Object)) {
    $path = [IO.Path]::Combine($Folder, "$name.json")
    [IO.File]::WriteAllText($path, (ConvertTo-Json -InputObject @($Rows[$name]) -Depth 6), $Utf8)
    [ordered]@{ Name = "$name.json"; Count = $Rows[$name].Count; SHA256 = (Get-FileHash -LiteralPath $path -Algorithm SHA256).Hash }
}
$User = [Security.Principal.WindowsIdentity]::GetCurrent()
$Manifest = [ordered]@{
    Collector = 'vmmaudit collect.ps1'; ScriptVersion = $ScriptVersion
    StartUtc = $Started.ToString('o'); EndUtc = [DateTime]::UtcNow.ToString('o')
    Host = [Environment]::MachineName; User = $User.Name; UserSid = $User.User.Value
    PowerShell = [string] $PSVersionTable.PSVersion; Files = @($Files)
}
[IO.File]::WriteAllText([IO.Path]::Combine($Folder, 'manifest.json'), (ConvertTo-Json -InputObject $Manifest -Depth 4), $Utf8)
Write-Host ("Written: {0} files in {1}; {2} things could not be read." -f (@($Files).Count + 1), $Folder, $(if ($Rows.ContainsKey('problems')) { $Rows['problems'].Count } else { 0 }))
