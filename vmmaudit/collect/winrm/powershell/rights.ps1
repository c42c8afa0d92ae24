$ErrorActionPreference = 'Stop'
$self = [Security.Principal.WindowsPrincipal] [Security.Principal.WindowsIdentity]::GetCurrent()
$administrator = $self.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
ConvertTo-Json -Compress -InputObject @{ administrator = [bool] $administrator }
