#Requires -Version 5.1
<#
.SYNOPSIS
Takes back the changes of a vmmaudit plan, last step first.

.DESCRIPTION
Without -Apply nothing is written: every step says what it would do (-WhatIf is the default).
With -Apply every step asks before it writes; -Confirm:$false asks nothing.

Restores exactly the recorded values. Before anything is written all steps are checked: each
must find the value that the plan made, or the one from before. Where somebody changed it since,
the script refuses and writes nothing; each step is checked once more before it is written.

Not run on Windows by us: read it, and try it on one object first.

.PARAMETER Apply
Write. Without it the script only shows what it would do.

.PARAMETER Only
Numbers of the steps to look at; default: all.
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    [switch] $Apply,
    [int[]] $Only = @()
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
if (-not $Apply) { $WhatIfPreference = $true }
