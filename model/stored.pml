// SPDX-License-Identifier: Apache-2.0
/*
 * The fallback: pages in the kernel's page cache. The kernel asks the daemon for one that is touched, and holds its lock until
 * it is answered; a bump stores into the pages, and each store waits for the lock. A daemon that is killed while a store of
 * its waits cannot end before that store is done. Checked: nobody waits for ever; when a bump is answered, and when all is
 * quiet, each page shows the last generation, whole; none goes back.
 */

#ifndef MAXOPS
#define MAXOPS 4        /* touches of a page, and bumps */
#endif
#ifndef MAXDROP
#define MAXDROP 1       /* pages that the kernel drops from its cache */
#endif

#define NT 3            /* the first two touch a page each, the third one bumps */
#define NP 2

mtype = { FILL, BUMP };

#include "kernel.pml"

/* ---- The kernel ---- */

bool locked[NP];        /* until the request is answered that its toucher made */
bool cached[NP];
byte shown[NP];
bool odd[NP];           /* the sequence: a store is under way */

/* A store of a daemon that is dead but for it. */
bool undead[2];
byte upage[2], userial[2];
bool ufirst[2];

byte ops, drops;

/* ---- What was noted ---- */

byte jserial;

/* ---- What the daemon holds ---- */

byte serial;
bool filled[NP];        /* the kernel may have a copy */
bool meant[NP];         /* of these, those that this bump stores into */
chan deferred = [NT] of { byte };
bool taking;            /* the take-over is not over: nothing is served but what was sent again */
bool beside;            /* there were undead when it took over */
bool storing;           /* the storing thread is in a store into page p, */
bool first;             /* the first of two */
byte t, p, w, i;
byte back;              /* what comes after all pages are stored */

/* ---- What really happened ---- */

byte gserial, times;

#define UNDEAD (undead[0] || undead[1])
#define WHOLE(p) (!cached[p] || (shown[p] == gserial && !odd[p]))

inline answer(thread) {
    d_step {
        assert(state[thread] == TAKEN);
        if
        :: op[thread] == FILL ->
            locked[thread] = false; cached[thread] = true; shown[thread] = serial; odd[thread] = false;
            filled[thread] = true
        :: op[thread] == BUMP -> assert(times == 1 && WHOLE(0) && WHOLE(1)); times = 0
        :: else
        fi;
        over(thread)
    }
}

/* One store. The kernel's page is changed if it has one. */
inline store(at, what, isfirst) {
    d_step {
        if
        :: cached[at] && isfirst -> odd[at] = true
        :: cached[at] && !(isfirst) -> assert(shown[at] <= what); odd[at] = false; shown[at] = what
        :: else
        fi
    }
}

#define SENT_AGAIN ((state[0] == QUEUED && resent[0]) || (state[1] == QUEUED && resent[1]) || (state[2] == QUEUED && resent[2]))
#define TO_DO (state[0] == QUEUED || state[1] == QUEUED || state[2] == QUEUED || len(deferred) > 0)

inline check() {
    d_step {
        for (i : 0 .. NT - 1) { assert(state[i] != TAKEN) }
        i = 0;
        assert(jkind == NONE && WHOLE(0) && WHOLE(1) && !UNDEAD && !locked[0] && !locked[1])
    }
}

inline t_take(thread) { i = thread; take(thread) }

active proctype Daemon() {
    goto idle;

dead:
    skip;
    atomic {
    d_step {
        if
        :: storing && locked[p] ->
            i = (undead[0] -> 1 : 0);
            assert(!undead[i]);
            undead[i] = true; upage[i] = p; userial[i] = serial; ufirst[i] = first
        :: else
        fi;
        do :: len(deferred) > 0 -> deferred?t :: len(deferred) == 0 -> break od;
        storing = false; first = false; t = 0; p = 0; w = 0; i = 0; back = 0;
        filled[0] = true; filled[1] = true; meant[0] = false; meant[1] = false;
        mine[0] = false; mine[1] = false; mine[2] = false;
        beside = UNDEAD; taking = false;
        serial = jserial; begun = jkind; begunfor = jfor
    };
#ifdef BUG_PUBLISHED_BEFORE_RESEND
    back = 1;
    goto publish
    };
published_1:
    skip;
    resend();
#else
    resend();
    CRASH;
    back = 1;
    goto publish
    };

published_1:
#endif
    skip;
#ifndef BUG_UNDEAD_NOT_AWAITED
    /* StoredPages.release */
#ifdef BUG_UNDEAD_LOOKED_FOR_LATE
    if :: !UNDEAD -> goto told :: else fi;
#else
    if :: !beside -> goto told :: else fi;
#endif
released:
    atomic {
    if
    :: !UNDEAD
    :: UNDEAD && (state[0] == QUEUED || state[1] == QUEUED || state[2] == QUEUED) -> w = 2; goto fill_one
    fi;
    CRASH;
#ifndef BUG_NOT_PUBLISHED_AGAIN
    back = 2;
    goto publish
#endif
    };
published_2:
#endif

told:
    skip;
    atomic {
    beside = false;
    CRASH;
    take_resent();
    d_step {
        /* those that were put off, and were sent again */
        i = len(deferred);
        do
        :: i > 0 -> deferred?t; if :: resent[t] -> mine[t] = true :: else -> deferred!t fi; i--
        :: i == 0 -> break
        od;
        t = 0
    };
    /* It looks one too far. */
    if
    :: len(queue) > 0 && len(deferred) == 0 -> queue?t; take(t); deferred!t; t = 0
    :: true
    fi;
#ifndef BUG_DEFERRED_FILLS_LEFT
    d_step {
        i = len(deferred);
        do
        :: i > 0 -> deferred?t; if :: op[t] == FILL -> mine[t] = true :: else -> deferred!t fi; i--
        :: i == 0 -> break
        od;
        t = 0
    };
#endif
    taking = true
    };

next:
    skip;
    atomic {
    CRASH;
    if
    :: mine[0] -> mine[0] = false; answer(0); goto next
    :: mine[1] -> mine[1] = false; answer(1); goto next
    :: !mine[0] && !mine[1] && mine[2] && begun == BUMP && begunfor == 2 ->
        mine[2] = false; answer(2); CRASH; settle();
        begun = NONE; begunfor = NOBODY; goto next
    :: !mine[0] && !mine[1] && mine[2] && !(begun == BUMP && begunfor == 2) ->
        if :: jkind != NONE -> settle() :: else fi;
        mine[2] = false; begun = NONE; begunfor = NOBODY; t = 2; goto serve
    :: !mine[0] && !mine[1] && !mine[2]
    fi;
    if :: jkind != NONE -> settle() :: else fi;
    begun = NONE; begunfor = NOBODY;
    taking = false
    };

idle:
    if :: taking -> goto next :: else fi;
    atomic { if :: !TO_DO && !UNDEAD -> check() :: else fi };
end_idle:
    atomic {
    if
    :: len(deferred) > 0 -> deferred?t
    :: len(deferred) == 0 && len(queue) > 0 -> queue?t; take(t)
    :: crashes < MAXCRASH && (TO_DO || cached[0] || cached[1]) -> crashes++; goto dead
    fi
    };

serve:
    skip;
    atomic {
    CRASH;
    if
    :: op[t] != BUMP -> answer(t); t = 0; goto idle
    :: else
    fi;
    d_step { serial++; gserial++; times++; assert(times == 1); jserial = serial; jkind = BUMP; jfor = t };
    CRASH;
    back = 0;
    goto publish
    };
published_0:
    atomic {
    CRASH;
    answer(t);
    CRASH;
    settle();
    t = 0;
    goto idle
    };

    /* StoredPages.publish: the storing thread, and the loop, which waits for it and answers for pages meanwhile */
publish:
    skip;
    d_step { meant[0] = filled[0]; meant[1] = filled[1]; p = 0 };
pages:
    atomic {
    if
    :: p < NP && meant[p] -> storing = true; first = true
    :: p < NP && !meant[p] -> p++; goto pages
    :: p == NP ->
        d_step { p = 0; meant[0] = false; meant[1] = false };
        if
        :: back == 0 -> goto published_0
        :: back == 1 -> back = 0; goto published_1
#ifndef BUG_UNDEAD_NOT_AWAITED
        :: back == 2 -> back = 0; goto published_2
#endif
        fi
    fi
    };
storing_one:
    skip;
    atomic {
    if
    :: !locked[p] -> CRASH; store(p, serial, first);
        if
        :: first -> first = false
        :: else -> storing = false; p++; goto pages
        fi;
        goto storing_one
#ifndef BUG_NOBODY_FILLS
    :: state[0] == QUEUED || state[1] == QUEUED || state[2] == QUEUED -> w = 1; goto fill_one
#endif
    :: locked[p] && crashes < MAXCRASH -> crashes++; goto dead
    fi
    };

    /* Session.serveOnly */
fill_one:
    atomic {
    if
    :: state[0] == QUEUED && resent[0] -> t_take(0)
    :: state[1] == QUEUED && resent[1] -> t_take(1)
    :: state[2] == QUEUED && resent[2] -> t_take(2)
    :: !SENT_AGAIN && len(queue) > 0 -> queue?i; take(i)
    :: else -> i = NT /* it was taken back meanwhile */
    fi;
    if
    :: i == NT
    :: i < NT && op[i] == FILL -> answer(i)
    :: i < NT && op[i] != FILL -> deferred!i
    fi;
    i = 0;
    if
    :: w == 1 -> w = 0; goto storing_one
#ifndef BUG_UNDEAD_NOT_AWAITED
    :: w == 2 -> w = 0; goto released
#endif
    fi
    }
}

/* The last store of a daemon that was killed in it. */
active proctype Undead() {
end_undead:
    do
    :: atomic {
        undead[0] && !locked[upage[0]] ->
        store(upage[0], userial[0], ufirst[0]);
        undead[0] = false; upage[0] = 0; userial[0] = 0; ufirst[0] = false
       }
    :: atomic {
        undead[1] && !locked[upage[1]] ->
        store(upage[1], userial[1], ufirst[1]);
        undead[1] = false; upage[1] = 0; userial[1] = 0; ufirst[1] = false
       }
    od
}

active proctype Clients() {
    byte me;
end_clients:
    do
    :: ops < MAXOPS -> atomic {
        if :: me = 0 :: me = 1 :: me = 2 fi;
        if
        :: me < NP && state[me] == NONE && !cached[me] && !locked[me] && !killed[me] ->
            ops++; locked[me] = true; op[me] = FILL; call(me)
        :: me == 2 && state[2] == NONE && !killed[2] -> ops++; op[2] = BUMP; call(2)
        :: else
        fi;
        me = 0
       }
    :: kills < MAXKILL -> atomic {
        if :: me = 0 :: me = 1 :: me = 2 fi;
        if
        :: state[me] == QUEUED && !killed[me] ->
            kills++; killed[me] = true;
            if :: !resent[me] -> queue??eval(me) :: else fi;
            if :: me < NP -> locked[me] = false :: else -> times = 0 fi;
            over(me)
        :: else
        fi;
        me = 0
       }
    :: drops < MAXDROP -> atomic {
        if :: me = 0 :: me = 1 fi;
        if
        :: cached[me] && !locked[me] -> drops++; cached[me] = false; shown[me] = 0; odd[me] = false
        :: else
        fi;
        me = 0
       }
    od
}
