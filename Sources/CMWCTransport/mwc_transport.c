#include "mwc_transport.h"
typedef int mwc_placeholder;
