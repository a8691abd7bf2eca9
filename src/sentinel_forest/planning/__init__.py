"""What a run consists of, and what its jobs take."""
