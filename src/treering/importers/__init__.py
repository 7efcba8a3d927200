"""Records of other trackers, made into runs."""
