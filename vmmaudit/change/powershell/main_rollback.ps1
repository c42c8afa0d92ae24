
$states = @{}
$refused = 0
foreach ($step in $Steps) {
    $states[$step.Number] = Get-State $step
    if ($states[$step.Number] -eq 'other') {
        Write-Warning "Step $($step.Number): $($step.Name) was changed by somebody since."
        $refused++
    }
}
if ($refused) {
    Write-Error -ErrorAction Continue "Nothing was written: $refused step(s) found another value than the plan made. Take these back by hand, see plan.json."
    exit 1
}
[array]::Reverse($Steps)
foreach ($step in $Steps) {
    if ($step.Kind -eq 'restart') {
        Write-Output "Step $($step.Number): restart $($step.Name) again after the steps below; this script restarts nothing."
    }
    elseif ($states[$step.Number] -eq 'before') {
        Write-Output "Step $($step.Number): $($step.Name) has the recorded value."
    }
    elseif ($PSCmdlet.ShouldProcess($step.Name, "take back step $($step.Number), $($step.Kind)")) {
        if ((Get-State $step) -ne 'after') {
            Write-Error -ErrorAction Continue "Stopped: step $($step.Number), $($step.Name), was changed by somebody while this ran. Run it again; what is restored stays so."
            exit 1
        }
        Set-State $step -Back
        Write-Output "Step $($step.Number): $($step.Name) is restored."
    }
}
