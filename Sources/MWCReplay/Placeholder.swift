// MWCReplay
