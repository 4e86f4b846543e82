/* Memory for weights, caches and what kernels work in. Only what is here allocates, and every allocation may fail: then the
   answer is NULL or 0, and whoever asked gives up in good order. Kernels themselves get their room from their caller. */

#ifndef MEMORY_H
#define MEMORY_H

#include <stdlib.h>
#include "vectors.h"
#ifdef __linux__
#include <sys/mman.h>
#endif

#define LINE 64 /* bytes: of a processor's cache, and of a vector at most */
#define LARGE_PAGE ((size_t)1 << 21)

/* For tests: the allocation that is to fail, counted from 1 (0 is none), and how many there are now. */
#ifdef TESTING
static word failing_allocation, allocations;
void fail_allocation(word number) { __atomic_store_n(&failing_allocation, number, __ATOMIC_SEQ_CST); }
word count_allocations(void) { return __atomic_load_n(&allocations, __ATOMIC_SEQ_CST); }
static int may_allocate(void) { return __atomic_fetch_sub(&failing_allocation, 1, __ATOMIC_SEQ_CST) != 1; }
static void *tallied(void *memory) {
    if (memory) __atomic_fetch_add(&allocations, 1, __ATOMIC_SEQ_CST);
    return memory;
}
static void release(void *memory) {
    if (memory) __atomic_fetch_sub(&allocations, 1, __ATOMIC_SEQ_CST);
    free(memory);
}
#else
static int may_allocate(void) { return 1; }
static void *tallied(void *memory) { return memory; }
static void release(void *memory) { free(memory); }
#endif

/* A cleared list. */
static void *allocate_list(word count, size_t each) {
    return may_allocate() ? tallied(calloc(count ? (size_t)count : 1, each)) : NULL;
}

/* A longer list with what was in the old one; NULL leaves that as it is. */
static void *lengthen_list(void *list, word count, size_t each) {
    void *longer = may_allocate() ? realloc(list, (size_t)count * each) : NULL;
    return list ? longer : tallied(longer);
}

/* Aligned memory; where it is much, in pages of 2 MB if the system has them: looking up small ones took longer than reading. */
static void *allocate(word bytes) {
    void *at = NULL;
    size_t step = bytes >= (word)LARGE_PAGE ? LARGE_PAGE : LINE, size = ((size_t)bytes + step - 1) / step * step;
    if (!may_allocate() || bytes < 0 || posix_memalign(&at, step, size ? size : step)) return NULL;
#ifdef MADV_HUGEPAGE
    if (step == LARGE_PAGE) madvise(at, size, MADV_HUGEPAGE);
#endif
    return tallied(at);
}

/* Memory that begins at a line's boundary and grows; what it held is lost when it does. */
typedef struct {
    void *at;
    word size;
} Buffer;

/* Whether there is room for so many bytes now. */
static int reserve(Buffer *buffer, word bytes) {
    if (bytes <= buffer->size && buffer->at) return 1;
    release(buffer->at);
    word size = bytes + bytes / 4;
    *buffer = (Buffer){allocate(size), size};
    if (buffer->at) memset(buffer->at, 0, (size_t)size);
    else buffer->size = 0;
    return buffer->at != NULL;
}

#endif
