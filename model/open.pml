// SPDX-License-Identifier: Apache-2.0
/*
 * The coming and going of inodes, pages, open files and watchers, while the daemon is killed at any step. Checked: no number is
 * given to two inodes or two open files; each open file has one watcher from the answer to its OPEN to its end, and a watcher
 * has an open file, or is being opened: one without would be waited for until the end of time; a page is that of an inode
 * that the kernel knows.
 *
 * LOOKUP and OPEN can be taken back by a kill, RELEASE is the kernel's own. FORGET has no answer, so it is not sent again.
 */

#ifndef MAXOPENS
#define MAXOPENS 4      /* look-ups and opens in all */
#endif

#define NT 2            /* who opens; each has one file at a time */
#define NS 2            /* slots for watchers */

mtype = { LOOKUP, OPEN, RELEASE };

#include "kernel.pml"

#define IDS (MAXOPENS + MAXCRASH + 2)   /* numbers of inodes, and of files: 0 is none */

/* ---- The kernel ---- */

byte node[NT];          /* the inode that this one has found */
bool there[NT];         /* and it is there: the process has run since the answer to its LOOKUP */
byte file[NT];          /* its open file */
byte forgets[NT];       /* a FORGET of this inode is to be read */

byte opens;

/* ---- What was noted ---- */

byte jnode = 1;         /* the next number of an inode */
byte jfile = 1;         /* the next number of a file */
bool page[IDS];         /* by inode */
byte watcher[NS];       /* by slot: the file; 0: the slot is free */
byte on[NS];            /* its inode */

/* The image in the intent, and where it belongs. */
byte jat, jwatcher, jon;

/* ---- What the daemon holds ---- */

byte nextnode = 1, nextfile = 1, inherited = 1;
bool known[IDS];        /* inodes that it was asked about, or for */
bool deferred[NT];      /* taken while something else was done, as Session.serveOnly does, and to be served */
bool taking;            /* the take-over is not over: nothing is served but what was sent again */
byte t, n, f, s, i;

#define KNOWS(o, n) (node[o] == (n) && there[o])
#define KERNEL_KNOWS(n) (KNOWS(0, n) || KNOWS(1, n))
#define HAS_WATCHER(f) (watcher[0] == (f) || watcher[1] == (f))
#define IN_USE(f) (file[0] == (f) || file[1] == (f))
#define LED_TO(n) ((watcher[0] != 0 && on[0] == (n)) || (watcher[1] != 0 && on[1] == (n)))

inline answered(thread) {
    assert(state[thread] == TAKEN);
    over(thread)
}

inline answer_open(thread, number) {
    d_step {
#ifdef BUG_ANSWER_AFTER_RESEND
        if
        :: state[thread] != TAKEN -> skip /* the kernel knows of no such request: ENOENT */
        :: else ->
#endif
        assert(number != file[1 - (thread)]);
#ifndef BUG_OPEN_ANSWERED_FIRST
        assert(HAS_WATCHER(number));
#endif
        file[thread] = number;
        answered(thread)
#ifdef BUG_ANSWER_AFTER_RESEND
        fi
#endif
    }
}

inline put() {
    d_step { watcher[jat] = jwatcher; on[jat] = jon };
    CRASH
}

inline settled() {
    d_step { settle(); jat = 0; jwatcher = 0; jon = 0 }
}

/* MountFileSystem.forget */
inline drop(id) {
    d_step { page[id] = false; known[id] = false }
}

#define WORK (state[0] == QUEUED || state[1] == QUEUED || deferred[0] || deferred[1] || forgets[0] || forgets[1])

inline check_files() {
    d_step {
        for (i : 0 .. NT - 1) {
            assert(state[i] != TAKEN);
            assert(file[i] == 0 || (watcher[0] == file[i] && on[0] == node[i]) || (watcher[1] == file[i] && on[1] == node[i]))
        }
        for (i : 0 .. NS - 1) {
            assert(watcher[i] == 0 || IN_USE(watcher[i]))
        }
        for (i : 1 .. IDS - 1) {
            assert(!page[i] || KERNEL_KNOWS(i))
        }
        assert(watcher[0] == 0 || watcher[0] != watcher[1]);
        i = 0
    }
}

active proctype Daemon() {
    goto idle;

dead:
    skip; /* its memory is gone */
    atomic {
    d_step {
        for (i : 0 .. IDS - 1) { known[i] = false }
        t = 0; n = 0; f = 0; s = 0; i = 0;
        mine[0] = false; mine[1] = false;
        deferred[0] = false; deferred[1] = false;
        taking = true
    };
    /* TakeOver.begin */
#ifndef BUG_NO_REDO
    if :: jkind != NONE -> put() :: else fi;
#endif
    /* TakeOver.restore */
    d_step {
        begun = jkind; begunfor = jfor;
        nextnode = jnode;
        nextfile = jfile;
#ifdef BUG_NODES_REUSED
        /* "the highest that is left, and one" */
        nextnode = 1;
        for (i : 1 .. IDS - 1) { if :: page[i] -> nextnode = i + 1 :: else fi };
#endif
#ifdef BUG_FILES_REUSED
        nextfile = 1;
        for (i : 0 .. NS - 1) { if :: watcher[i] >= nextfile -> nextfile = watcher[i] + 1 :: else fi };
#endif
        inherited = nextnode;
        for (i : 1 .. IDS - 1) { known[i] = page[i] }
        i = 0
    };
    /* TakeOver.finish */
#ifdef BUG_SETTLE_BEFORE_ANSWER
    settled();
    CRASH;
#endif
#ifdef BUG_ANSWER_AFTER_RESEND
    resend()
    };
    atomic {
#endif
    if
    :: begun == OPEN ->
#ifndef BUG_NO_ANSWER
        if :: begunfor != NOBODY -> s = jat; answer_open(begunfor, watcher[s]); CRASH :: else fi;
#endif
        settled();
        s = 0;
        begun = NONE; begunfor = NOBODY
    :: else
    fi;
#ifndef BUG_ANSWER_AFTER_RESEND
    resend();
#endif
    skip
    };
    atomic {
    take_resent();
    CRASH
    };

next:
    skip;
    atomic {
    if
    :: mine[0] -> mine[0] = false; t = 0; goto serve
    :: mine[1] -> mine[1] = false; t = 1; goto serve
    :: !mine[0] && !mine[1]
    fi;
    /* Whatever is from before and not open: the kernel is asked. */
#ifndef BUG_NODES_NOT_PROBED
    n = 1;
    do
#ifdef BUG_NEW_NODES_PROBED
    :: n < IDS && known[n] && !LED_TO(n) && !KERNEL_KNOWS(n) -> drop(n); CRASH; n++
    :: n < IDS && !(known[n] && !LED_TO(n) && !KERNEL_KNOWS(n)) -> n++
#else
    :: n < IDS && known[n] && n < inherited && !LED_TO(n) && !KERNEL_KNOWS(n) -> drop(n); CRASH; n++
    :: n < IDS && !(known[n] && n < inherited && !LED_TO(n) && !KERNEL_KNOWS(n)) -> n++
#endif
    :: n == IDS -> break
    od;
    n = 0;
#endif
    taking = false
    };

idle:
    if :: taking -> goto next :: else fi;
    atomic { if :: !WORK -> check_files() :: else fi };
end_idle:
    atomic {
    if
    :: deferred[0] -> deferred[0] = false; t = 0; goto serve
    :: deferred[1] -> deferred[1] = false; t = 1; goto serve
    :: state[0] == QUEUED -> take(0); deferred[0] = true; goto idle
    :: state[1] == QUEUED -> take(1); deferred[1] = true; goto idle
    :: forgets[0] -> n = forgets[0]; forgets[0] = 0
    :: forgets[1] -> n = forgets[1]; forgets[1] = 0
    :: crashes < MAXCRASH && WORK -> crashes++; goto dead
    fi;
    CRASH;
    drop(n);
    n = 0;
    goto idle
    };

serve:
    skip;
    atomic {
    CRASH;
    if
    :: op[t] == LOOKUP ->
        d_step { n = nextnode; nextnode++; jnode = nextnode; known[n] = true };
        CRASH;
        d_step {
            assert(n != node[1 - t] && n != forgets[0] && n != forgets[1]);
            node[t] = n;
            n = 0;
            answered(t)
        }

    :: op[t] == OPEN ->
        assert(known[node[t]] || node[t] < inherited);
        d_step { f = nextfile; nextfile++; jfile = nextfile };
        CRASH;
        d_step { known[node[t]] = true; page[node[t]] = true };
        CRASH;
        s = 0;
        if :: watcher[0] != 0 -> s = 1 :: else fi;
        assert(watcher[s] == 0);
#ifdef BUG_OPEN_ANSWERED_FIRST
        n = node[t];
        answer_open(t, f);
        CRASH;
        d_step { jkind = OPEN; jfor = NOBODY; jat = s; jwatcher = f; jon = n };
        put();
        settled();
        goto ended;
#endif
#ifdef BUG_INTENT_WITHOUT_REQUEST
        d_step { jkind = OPEN; jfor = NOBODY; jat = s; jwatcher = f; jon = node[t] };
#else
        d_step { jkind = OPEN; jfor = t; jat = s; jwatcher = f; jon = node[t] };
#endif
        CRASH;
        put();
#ifdef BUG_SETTLE_BEFORE_ANSWER
        settled();
        CRASH;
#endif
        answer_open(t, f);
        CRASH;
#ifndef BUG_NOT_SETTLED
        settled()
#endif

    :: op[t] == RELEASE ->
        f = file[t];
#ifdef BUG_RELEASE_ANSWERED_FIRST
        d_step { file[t] = 0; answered(t) };
        CRASH;
#endif
        /* Device.close: one store. A file that is not known any more was removed before the crash: that is fine. */
        d_step {
            for (i : 0 .. NS - 1) { if :: watcher[i] == f -> watcher[i] = 0; on[i] = 0 :: else fi };
            i = 0
        };
#ifndef BUG_RELEASE_ANSWERED_FIRST
        CRASH;
        d_step { assert(!HAS_WATCHER(f)); file[t] = 0; answered(t) }
#endif
    fi;
#ifdef BUG_OPEN_ANSWERED_FIRST
ended:
#endif
    skip;
    d_step { t = 0; n = 0; f = 0; s = 0 };
    goto idle
    }
}

active proctype Clients() {
    byte me;
end_clients:
    do
    :: atomic {
        if :: me = 0 :: me = 1 fi;
        if
        :: state[me] == NONE && node[me] == 0 && forgets[me] == 0 && !killed[me] && opens < MAXOPENS ->
            opens++; op[me] = LOOKUP; state[me] = QUEUED
        /* The process runs, and the inode is made. */
        :: state[me] == NONE && node[me] != 0 && !there[me] -> there[me] = true
        :: state[me] == NONE && there[me] && file[me] == 0 && !killed[me] && opens < MAXOPENS ->
            opens++; op[me] = OPEN; state[me] = QUEUED
        :: state[me] == NONE && file[me] != 0 -> op[me] = RELEASE; state[me] = QUEUED
        /* Nobody uses the inode: it goes sooner or later. */
        :: state[me] == NONE && there[me] && file[me] == 0 && forgets[me] == 0 ->
            forgets[me] = node[me]; node[me] = 0; there[me] = false; killed[me] = false
        :: state[me] == QUEUED && op[me] != RELEASE && !killed[me] && kills < MAXKILL ->
            kills++;
            if :: node[me] != 0 -> killed[me] = true :: else fi;
            over(me)
        :: state[me] == TAKEN && op[me] != RELEASE && !killed[me] && kills < MAXKILL ->
            kills++; killed[me] = true
        :: else
        fi;
        me = 0
       }
    od
}
