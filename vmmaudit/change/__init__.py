"""What would have to be changed, judged on a changed copy of the facts; nothing is written."""
