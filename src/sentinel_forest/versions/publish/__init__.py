"""A sealed version as a folder that can be deposited: described for Zenodo, Hugging Face, codecheckers and STAC."""
