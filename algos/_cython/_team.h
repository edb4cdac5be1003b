/* Threads that go through a sequence of phases together, inside one region of the pool.
 *
 * Each phase has one task for every member, and all of them are done before the next phase
 * begins. A member does its own task, so that what the task writes stays in its cache. The
 * tasks of members that never came, or do not come for a while, are done by the others: the
 * caller alone gets through. What a task does must not hang on who does it.
 *
 * On a busy machine a member may lose its core in the middle of a task, and all others then
 * wait for milliseconds. Where more time is lost so than is won by sharing, one of them goes on
 * alone and the others leave.
 */
#ifndef ALGOS_TEAM_H
#define ALGOS_TEAM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#include <windows.h>
#define ALGOS_YIELD() SwitchToThread()
#else
#include <sched.h>
#include <time.h>
#define ALGOS_YIELD() sched_yield()
#endif
#if defined(__x86_64__) || defined(__i386__)
#define ALGOS_PAUSE() __builtin_ia32_pause()
#else
#define ALGOS_PAUSE() __asm__ __volatile__("" ::: "memory")
#endif

#define ALGOS_TEAM_MOST 16
#define ALGOS_TEAM_PATIENCE 2000 /* pauses, beyond which a wait is a stall */
#define ALGOS_TEAM_PAUSE 20      /* nanoseconds, at least */
/* Alone when stalls have taken more than this share of the time, and some milliseconds. */
#define ALGOS_TEAM_SHARE 3
#define ALGOS_TEAM_GRACE 5000000 /* nanoseconds */

typedef struct {
    int64_t next; /* the first phase whose task nobody has taken */
    int present;
    char apart[64 - sizeof(int64_t) - sizeof(int)]; /* a cache line for each member */
} algos_member;

typedef void (*algos_phase)(void *arg, int64_t phase, int part);

typedef struct {
    algos_phase run;
    void *arg;
    int64_t n_phases;
    int size;
    int patience;
    int alone; /* the member that goes on alone, or -1 */
    int64_t begin, lost; /* nanoseconds: when they began, what they lost in stalls */
    char apart[64];
    int64_t done; /* tasks, of all phases */
    char apart_too[64];
    algos_member members[ALGOS_TEAM_MOST];
} algos_team;

static inline int64_t algos_team_now(void) {
#if defined(_WIN32)
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    return (int64_t)((double)ticks.QuadPart * 1e9 / (double)per_second.QuadPart);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

static inline void algos_team_start(algos_team *team, algos_phase run, void *arg,
                                    int64_t n_phases, double nanoseconds, int size) {
    const double wait = nanoseconds / ALGOS_TEAM_PAUSE / (double)(size * (n_phases + 1));
    memset(team, 0, sizeof(*team));
    team->run = run;
    team->arg = arg;
    team->n_phases = n_phases;
    team->size = size;
    team->patience = ALGOS_TEAM_PATIENCE + (wait < 1e9 ? (int)wait : 1000000000);
    team->alone = -1;
    team->begin = algos_team_now();
}

static inline void algos_team_try(algos_team *team, int64_t phase, int part) {
    int64_t expected = phase;
    if (__atomic_load_n(&team->members[part].next, __ATOMIC_RELAXED) == phase &&
        __atomic_compare_exchange_n(&team->members[part].next, &expected, phase + 1, 0,
                                    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        team->run(team->arg, phase, part);
        __atomic_fetch_add(&team->done, 1, __ATOMIC_ACQ_REL);
    }
}

static inline void algos_team_help(algos_team *team, int64_t phase, int in_earnest) {
    for (int part = 0; part < team->size; part++)
        if (in_earnest || !__atomic_load_n(&team->members[part].present, __ATOMIC_RELAXED))
            algos_team_try(team, phase, part);
}

/* Count a stall that began at `since`; if too much is lost, member `self` is to go on alone. */
static inline void algos_team_stall(algos_team *team, int64_t since, int self) {
    int nobody = -1;
    const int64_t now = algos_team_now();
    const int64_t lost = __atomic_add_fetch(&team->lost, now - since, __ATOMIC_RELAXED);
    if (lost / (team->size - 1) > (now - team->begin) / ALGOS_TEAM_SHARE + ALGOS_TEAM_GRACE)
        __atomic_compare_exchange_n(&team->alone, &nobody, self, 0, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
}

/* Wait for the end of a phase. */
static inline void algos_team_wait(algos_team *team, int64_t phase, int self) {
    const int64_t wanted = (phase + 1) * team->size;
    int64_t since = 0;
    for (int pauses = 0; __atomic_load_n(&team->done, __ATOMIC_ACQUIRE) < wanted;) {
        if (pauses < team->patience) {
            ALGOS_PAUSE();
            pauses++;
            continue;
        }
        if (since == 0)
            since = algos_team_now();
        algos_team_help(team, phase, 1);
        ALGOS_YIELD();
    }
    if (since != 0)
        algos_team_stall(team, since, self);
}

/* Go through all phases as member `self`; several calls by one thread do no harm. */
static inline void algos_team_join(algos_team *team, int self) {
    int64_t phase = __atomic_load_n(&team->done, __ATOMIC_ACQUIRE) / team->size;
    __atomic_store_n(&team->members[self].present, 1, __ATOMIC_RELAXED);
    for (; phase < team->n_phases; phase++) {
        const int alone = __atomic_load_n(&team->alone, __ATOMIC_RELAXED);
        if (alone >= 0 && alone != self)
            return;
        algos_team_try(team, phase, self);
        algos_team_help(team, phase, alone == self);
        algos_team_wait(team, phase, self);
    }
}

#endif
