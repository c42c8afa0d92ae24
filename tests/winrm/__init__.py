"""WinRM against stand-ins that speak the real protocol."""
