"""Results one can cite from So2Sat LCZ42, SEN12MS and CloudSEN12."""
