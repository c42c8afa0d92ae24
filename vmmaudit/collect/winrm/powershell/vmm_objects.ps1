param([string] $Cmdlet)
$ErrorActionPreference = 'Stop'
if (-not (Get-Module -ListAvailable -Name virtualmachinemanager)) {
    ConvertTo-Json -Compress -InputObject @{ problem = 'module' }
    return
}
Import-Module -Name virtualmachinemanager
$vmm = Get-SCVMMServer -ComputerName localhost
$keep = @{
    'Get-SCVMMServer' = 'Name', 'FullyQualifiedDomainName', 'ProductVersion', 'IsHighlyAvailable'
    'Get-SCVMHost' = 'Name', 'FullyQualifiedDomainName', 'VirtualizationPlatform', 'HostCluster', 'AgentVersion', 'AgentVersionState', 'OverallState', 'CommunicationState'
    'Get-SCVMHostCluster' = 'Name', 'Nodes'
    'Get-SCRunAsAccount' = 'Name', 'UserName', 'Domain', 'Enabled'
    'Get-SCVMMManagedComputer' = 'Name', 'FullyQualifiedDomainName', 'RoleString', 'AgentVersion', 'State'
    'Get-SCLibraryShare' = 'Name', 'Path', 'LibraryServer'
    'Get-SCISO' = 'Name', 'SharePath', 'LibraryServer', 'Enabled'
    'Get-SCVirtualDVDDrive' = 'Name', 'ISO', 'ISOLinked', 'Bus', 'LUN'
    'Get-SCJob' = 'Name', 'CmdletName', 'Status', 'ErrorInfo', 'StartTime', 'EndTime'
}[$Cmdlet]
$found = switch ($Cmdlet) {
    'Get-SCVMMServer' { $vmm }
    'Get-SCVMHost' { Get-SCVMHost -VMMServer $vmm }
    'Get-SCVMHostCluster' { Get-SCVMHostCluster -VMMServer $vmm }
    'Get-SCRunAsAccount' { Get-SCRunAsAccount -VMMServer $vmm }
    'Get-SCVMMManagedComputer' { Get-SCVMMManagedComputer -VMMServer $vmm }
    'Get-SCLibraryShare' { Get-SCLibraryShare -VMMServer $vmm }
    'Get-SCISO' { Get-SCISO -VMMServer $vmm }
    'Get-SCVirtualDVDDrive' { Get-SCVirtualDVDDrive -VMMServer $vmm -All }
    'Get-SCJob' { Get-SCJob -VMMServer $vmm -All }
}
foreach ($object in @($found)) {
    $row = @{}
    foreach ($name in $keep) {
        if ($object.PSObject.Properties[$name]) {
            $value = $object.$name
            if ($value -is [DateTime]) { $value = $value.ToUniversalTime().ToString('s') }
            elseif ($value -is [Collections.IList]) { $value = ($value | ForEach-Object { [string] $_ }) -join ', ' }
            $row[$name] = [string] $value
        }
    }
    $credential = $object.PSObject.Properties['VMHostManagementCredential']
    if ($credential -and $credential.Value) {
        $row['VMHostManagementCredential.Name'] = [string] $credential.Value.Name
        $row['VMHostManagementCredential.UserName'] = [string] $credential.Value.UserName
    }
    ConvertTo-Json -Compress -InputObject $row
}
