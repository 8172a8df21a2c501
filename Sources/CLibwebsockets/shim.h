// Only CMWCTransport's C callbacks see this: importing libwebsockets.h into Swift would drag in all
// of OpenSSL (17,900 symbols).
#include <libwebsockets.h>
