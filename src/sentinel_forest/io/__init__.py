"""Tables, files, checksums, locks and lines of progress: what every step uses."""
