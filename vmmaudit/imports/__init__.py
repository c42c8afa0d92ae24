"""What administrators hand over when the auditor gets no rights: files, read and never run."""
