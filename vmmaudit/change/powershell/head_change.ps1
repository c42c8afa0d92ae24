#Requires -Version 5.1
<#
.SYNOPSIS
Makes the changes of a vmmaudit plan, one step per object.

.DESCRIPTION
Without -Apply nothing is written: every step says what it would do (-WhatIf is the default).
With -Apply every step asks before it writes; -Confirm:$false asks nothing.

Before anything is written all steps are checked: each must find the value that was recorded
in the evidence, or the value it is to make. Where somebody changed it since, the script
refuses and writes nothing: collect again and plan again. Each step is checked once more right
before it is written, since answering takes time.

Lists are added to and taken from, entry by entry; they are never written as a whole.
Restarts are only named. rollback.ps1 takes everything back.

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
