
$states = @{}
$refused = 0
foreach ($step in $Steps) {
    $states[$step.Number] = Get-State $step
    if ($states[$step.Number] -eq 'other') {
        Write-Warning "Step $($step.Number): $($step.Name) was changed since the evidence was read."
        $refused++
    }
}
if ($refused) {
    Write-Error -ErrorAction Continue "Nothing was written: $refused step(s) found another value than the plan recorded. Collect again and plan again."
    exit 1
}
foreach ($step in $Steps) {
    if ($step.Kind -eq 'restart') {
        Write-Output "Step $($step.Number): restart $($step.Name) in its maintenance window; this script restarts nothing."
    }
    elseif ($states[$step.Number] -eq 'after') {
        Write-Output "Step $($step.Number): $($step.Name) is as planned already."
    }
    elseif ($PSCmdlet.ShouldProcess($step.Name, "step $($step.Number), $($step.Kind)")) {
        if ((Get-State $step) -ne 'before') {
            Write-Error -ErrorAction Continue "Stopped: step $($step.Number), $($step.Name), was changed by somebody while this ran. rollback.ps1 takes back what is changed so far."
            exit 1
        }
        Set-State $step
        Write-Output "Step $($step.Number): $($step.Name) is changed."
    }
}
