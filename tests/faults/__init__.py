"""What breaks in the middle: servers, networks, disks, and the run itself."""
