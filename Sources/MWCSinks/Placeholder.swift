// MWCSinks
