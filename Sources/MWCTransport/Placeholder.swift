// MWCTransport
