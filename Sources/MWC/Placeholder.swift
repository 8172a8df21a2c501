// MWC
