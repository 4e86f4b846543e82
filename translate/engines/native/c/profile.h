/* Where the time goes, for benchmarks/native_profile.py: only if compiled with -DPROFILE, and for one thread. Its processor time,
   so that what else runs on the machine does not count. */

#ifndef PROFILE_H
#define PROFILE_H

enum { PRODUCTS, ATTENTION, NORMS, LOGITS_PRODUCT, CHOICE, STAGES };

#ifdef PROFILE
#include <time.h>
static int profile_side; /* 0 encoder, 1 decoder */
double profile[2][STAGES][3]; /* seconds, multiplications with addition, bytes of weights and caches read */

static inline double profile_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
#define PROFILED(stage, work, bytes, call) \
    do { \
        double began = profile_clock(), *figures = profile[profile_side][stage]; \
        call; \
        figures[0] += profile_clock() - began, figures[1] += (double)(work), figures[2] += (double)(bytes); \
    } while (0)
#define PROFILE_SIDE(side) profile_side = side
#else
#define PROFILED(stage, work, bytes, call) call
#define PROFILE_SIDE(side)
#endif

#endif
