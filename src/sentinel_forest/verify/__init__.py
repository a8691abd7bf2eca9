"""Whether the files are what their publisher says, and the catalog of the patches in them."""
