// MWCCapture
