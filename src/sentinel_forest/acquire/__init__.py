"""Files of a release onto this machine: downloads, the shared store, archives, and what they will take."""
