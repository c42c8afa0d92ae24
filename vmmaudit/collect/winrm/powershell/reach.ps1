param([string] $Server, [int] $Port)
$ErrorActionPreference = 'Stop'
$client = New-Object Net.Sockets.TcpClient
try {
    $wait = $client.BeginConnect($Server, $Port, $null, $null)
    $open = $wait.AsyncWaitHandle.WaitOne(5000) -and $client.Connected
}
catch { $open = $false }
finally { $client.Close() }
ConvertTo-Json -Compress -InputObject @{ open = [bool] $open }
