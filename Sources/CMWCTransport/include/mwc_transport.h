#ifndef MWC_TRANSPORT_H
#define MWC_TRANSPORT_H
#endif
