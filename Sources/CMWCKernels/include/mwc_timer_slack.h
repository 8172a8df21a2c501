/// The kernel's licence to be late: a variadic system call that Swift cannot make.
#ifndef MWC_TIMER_SLACK_H
#define MWC_TIMER_SLACK_H

#include <sys/prctl.h>

/// Lets the kernel delay timers of the calling thread by at most `nanoseconds` in order to join
/// wake-ups (the default is 50,000; 0 restores it). Threads made later inherit it. Returns 0, or -1
/// with `errno` set; a failure only costs precision. See PR_SET_TIMERSLACK in prctl(2).
static inline int mwc_set_timer_slack(unsigned long nanoseconds) {
  return prctl(PR_SET_TIMERSLACK, nanoseconds, 0UL, 0UL, 0UL);
}

#endif
