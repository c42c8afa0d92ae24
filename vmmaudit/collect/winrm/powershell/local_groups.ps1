$ErrorActionPreference = 'Stop'
foreach ($group in Get-CimInstance -ClassName Win32_Group -Filter 'LocalAccount=TRUE') {
    $members = $null
    try {
        $object = [ADSI] "WinNT://./$($group.Name),group"
        $members = @(foreach ($member in @($object.Invoke('Members'))) {
            $entry = [ADSI] $member
            (New-Object Security.Principal.SecurityIdentifier -ArgumentList ([byte[]] $entry.objectSid.Value), 0).Value
        })
    }
    catch { $members = $null }
    ConvertTo-Json -Compress -InputObject @{ name = [string] $group.Name; sid = [string] $group.SID; members = $members }
}
