"""Stand-ins: small servers that speak the real protocols, for what Samba cannot play."""
