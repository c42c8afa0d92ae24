"""The live lab: a Samba domain, two library servers and two hosts in namespaces of their own."""
