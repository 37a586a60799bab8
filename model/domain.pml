// SPDX-License-Identifier: Apache-2.0
/*
 * The making and removing of one domain below the machine's, under one name, in two slots, while the daemon is killed at any
 * step. Checked: a mkdir and a rmdir happen once and are answered by what they did; a name's generations never come again;
 * a page of a domain that was removed stays, goes on with the machine, and says that it is gone; a slot is given again
 * only when its domain is gone.
 */

#ifndef MAXOPS
#define MAXOPS 3        /* mkdir and rmdir, in all */
#endif
#ifndef MAXBUMP
#define MAXBUMP 2       /* bumps, of the machine or of the domain */
#endif

#define NT 2            /* who administers */
#define NS 3            /* slots: 0 is the machine's */
#define NO_SLOT 0

mtype = { MKDIR, RMDIR, BUMP };
mtype = { OK, EEXIST, ENOENT };

#include "kernel.pml"

/* ---- The clients ---- */

bool mapped[NS];        /* somebody has a page of the domain in this slot mapped, and no file open */
byte shown[NS];         /* the generation in it */
bool gone[NS];          /* and whether it says that nobody serves it any more */

byte ops, bumps, visits;

/* ---- What was noted ---- */

byte jmachine = 1;      /* bumps of the machine */
byte jhighest;          /* of the highest generation that a removed domain had: 0 is none */
byte jfirst[NS];        /* in the record of the name: the count that the domain began with */
bool jthere[NS];        /* in the record of the rest: all of this */
bool jremoved[NS];
byte jbegan[NS];        /* the same count */
byte jbase[NS], jbaseat[NS];

/* The image in the intent, and where it belongs. */
byte jat, ibegan, ibase, ibaseat;
bool ithere, iremoved;

/* ---- What the daemon holds ---- */

byte machine = 1;
byte slot;              /* of the domain that has the name; NO_SLOT: there is none */
byte nextfirst = 1;     /* of Linux node numbers; noted in open.pml's way */
bool taking;            /* the take-over is not over: nothing is served but what was sent again */
byte t, s, i, g;

/* ---- What really happened ---- */

bool exists;
byte times[NT];
byte ggeneration;       /* the domain's generation while it exists */

byte gleast;            /* one more than the name has had, also in pages of when it was removed */

#define WIDE(s) (jbase[s] + machine - jbaseat[s])
#ifdef BUG_HIGHEST_STANDS
#define HIGH(g) ((g) + 1)
#define LEAST jhighest
#else
#ifdef BUG_HIGHEST_ZERO
#define HIGH(g) (g)
#define LEAST (jhighest == 0 -> 0 : jhighest + 1)
#else
/* in relation to the machine's bumps, for a removed domain goes on with them; and never 0, which is none */
#define HIGH(g) (8 + (g) + 1 - machine)
#define LEAST (jhighest == 0 -> 0 : jhighest + machine - 8)
#endif
#endif
#define SEEN(g) gleast = ((g) + 1 > gleast -> (g) + 1 : gleast)
#define RAISE(g) jhighest = (HIGH(g) > jhighest -> HIGH(g) : jhighest)

inline answer(thread, what) {
    d_step {
        assert(state[thread] == TAKEN);
        assert(what != OK || times[thread] == 1);
        assert(what == OK || times[thread] == 0);
        times[thread] = 0;
        over(thread)
    }
}

inline intend(kind, request, at, isthere, isremoved, began, base, baseat) {
    jkind = kind; jfor = request; jat = at;
    ithere = isthere; iremoved = isremoved; ibegan = began; ibase = base; ibaseat = baseat
}

inline put() {
    d_step {
        if
        :: jat == 0 -> jmachine = ibase
        :: else ->
            jthere[jat] = ithere; jremoved[jat] = iremoved; jbegan[jat] = ibegan; jbase[jat] = ibase; jbaseat[jat] = ibaseat
        fi
    };
    CRASH
}

inline settled() {
    d_step { settle(); jat = 0; ithere = false; iremoved = false; ibegan = 0; ibase = 0; ibaseat = 0 }
}

inline publish(at) {
    d_step {
        if
        :: mapped[at] && jthere[at] -> assert(shown[at] <= WIDE(at)); shown[at] = WIDE(at); gone[at] = jremoved[at];
            SEEN(shown[at])
        :: else
        fi
    }
}

/* The name's slot, from the records: no other domain of it is there. */
inline restore() {
    d_step {
        machine = jmachine;
        slot = NO_SLOT;
        for (i : 1 .. NS - 1) {
            if
            :: jthere[i] && !jremoved[i] -> assert(slot == NO_SLOT); slot = i; assert(jfirst[i] == jbegan[i])
            :: else
            fi
        }
        i = 0
    }
}

#define TO_DO (state[0] == QUEUED || state[1] == QUEUED)

inline check() {
    d_step {
        assert(state[0] != TAKEN && state[1] != TAKEN && jkind == NONE);
        assert((slot != NO_SLOT) == exists);
        assert(slot == NO_SLOT || (jthere[slot] && !jremoved[slot] && WIDE(slot) == ggeneration));
        for (i : 1 .. NS - 1) {
            assert(!mapped[i] || (jthere[i] && shown[i] == WIDE(i) && gone[i] == jremoved[i]));
            assert(!jthere[i] || mapped[i] || i == slot)
        }
        i = 0
    }
}

active proctype Daemon() {
    goto idle;

dead:
    skip; /* its memory is gone */
    atomic {
    d_step { machine = 0; slot = NO_SLOT; t = 0; s = 0; i = 0; g = 0; taking = false; mine[0] = false; mine[1] = false };
    /* TakeOver.begin, Domains.restore */
#ifndef BUG_NO_REDO
    if :: jkind != NONE -> put() :: else fi;
#endif
    restore();
    d_step { begun = jkind; begunfor = jfor; s = jat };
    /* TakeOver.finish */
#ifdef BUG_ANSWER_AFTER_RESEND
    resend()
    };
    atomic {
#endif
    if
#ifndef BUG_RMDIR_ANSWERED_FIRST
    :: begun == MKDIR ->
#else
    :: begun == MKDIR || begun == RMDIR ->
#endif
#ifndef BUG_NO_ANSWER
        if
#ifdef BUG_ANSWER_AFTER_RESEND
        :: begunfor != NOBODY && state[begunfor] == TAKEN -> /* else the kernel knows of no such request: ENOENT */
#else
        :: begunfor != NOBODY ->
#endif
            assert(begun != RMDIR || !mapped[s] || gone[s]);
            answer(begunfor, OK);
            CRASH
        :: else
        fi;
#endif
        settled();
        begun = NONE; begunfor = NOBODY
    :: else
    fi;
    s = 0;
#ifndef BUG_ANSWER_AFTER_RESEND
    resend();
#endif
    skip
    };
    atomic {
    CRASH;
#ifndef BUG_NO_REPUBLISH
    publish(1);
    CRASH;
    publish(2);
    CRASH;
#endif
    take_resent();
#ifndef BUG_RMDIR_ANSWERED_FIRST
    /* as the bump is */
    if
    :: begun == RMDIR && begunfor != NOBODY && mine[begunfor] ->
        d_step { t = begunfor; mine[t] = false; s = jat; assert(!mapped[s] || gone[s]) };
        answer(t, OK); CRASH
    :: else
    fi;
    d_step { t = 0; s = 0; begunfor = NOBODY };
    settled();
#endif
    taking = true
    };

next:
    skip;
    atomic {
    if
    :: mine[0] -> mine[0] = false; t = 0; goto serve
    :: mine[1] -> mine[1] = false; t = 1; goto serve
    :: !mine[0] && !mine[1]
    fi;
#ifdef BUG_RMDIR_ANSWERED_FIRST
    if :: jkind != NONE -> settled(); CRASH :: else fi;
#endif
    /* Domains.sweep */
#ifndef BUG_NOT_SWEPT
    if :: jthere[1] && jremoved[1] && !mapped[1] -> jthere[1] = false; CRASH :: else fi;
    if :: jthere[2] && jremoved[2] && !mapped[2] -> jthere[2] = false; CRASH :: else fi;
#endif
    taking = false
    };

idle:
    if :: taking -> goto next :: else fi;
    atomic { if :: !TO_DO -> check() :: else fi };
end_idle:
    atomic {
    if
    :: state[0] == QUEUED -> take(0); t = 0; goto serve
    :: state[1] == QUEUED -> take(1); t = 1; goto serve
    :: bumps < MAXBUMP -> bumps++; t = NOBODY; s = 0; goto bump
    :: bumps < MAXBUMP && slot != NO_SLOT -> bumps++; t = NOBODY; s = slot; goto bump
    /* Somebody opens it, maps its page, and closes it. */
    :: slot != NO_SLOT && !mapped[slot] && visits < MAXOPS ->
        visits++; mapped[slot] = true; shown[slot] = WIDE(slot); gone[slot] = false;
        SEEN(shown[slot]);
        goto idle
    /* The page is unmapped. FORGET may be read, and then lost. */
    :: mapped[1] -> mapped[1] = false; shown[1] = 0; gone[1] = false; s = 1
    :: mapped[2] -> mapped[2] = false; shown[2] = 0; gone[2] = false; s = 2
    :: crashes < MAXCRASH && TO_DO -> crashes++; goto dead
    fi;
    CRASH;
    if :: jthere[s] && jremoved[s] -> jthere[s] = false :: else fi;
    s = 0;
    goto idle
    };

bump:
    skip;
    atomic {
    d_step {
        if
        :: s == 0 -> machine++; intend(BUMP, NOBODY, 0, false, false, 0, machine, 0)
        :: else -> g = WIDE(s) + 1; intend(BUMP, NOBODY, s, true, false, jbegan[s], g, machine); g = 0
        fi;
        if :: exists -> ggeneration++; SEEN(ggeneration) :: else fi
    };
    CRASH;
    put();
    publish(1);
    CRASH;
    publish(2);
    CRASH;
    settled();
    goto ended
    };

serve:
    skip;
    atomic {
    CRASH;
    if
    :: op[t] == MKDIR ->
        s = NO_SLOT;
        if
        :: slot != NO_SLOT -> answer(t, EEXIST); goto ended
        :: slot == NO_SLOT && !jthere[1] -> s = 1
        :: slot == NO_SLOT && jthere[1] && !jthere[2] -> s = 2
        :: slot == NO_SLOT && jthere[1] && jthere[2] -> answer(t, ENOENT); goto ended /* full */
        fi;
        /* Domains.make: the name is written first, where nobody looks yet */
        g = nextfirst; nextfirst++;
#ifndef BUG_NAME_LAST
        jfirst[s] = g;
        CRASH;
#endif
        d_step {
            intend(MKDIR, t, s, true, false, g, LEAST, machine);
            assert(ibase >= gleast);
            exists = true; times[t]++; ggeneration = ibase; slot = s;
            SEEN(ggeneration)
        };
        CRASH;
        put();
#ifdef BUG_NAME_LAST
        jfirst[s] = g;
#endif
#ifdef BUG_SETTLE_BEFORE_ANSWER
        settled();
        CRASH;
#endif
        answer(t, OK)

    :: op[t] == RMDIR ->
        if
        :: slot == NO_SLOT -> answer(t, ENOENT); goto ended
        :: else
        fi;
        /* Domains.remove */
        s = slot;
        g = WIDE(s);
#ifndef BUG_HIGHEST_LAST
        RAISE(g);
        CRASH;
#endif
        d_step {
            if
            :: mapped[s] -> intend(RMDIR, t, s, true, true, jbegan[s], jbase[s], jbaseat[s])
            :: else -> intend(RMDIR, t, s, false, false, 0, 0, 0)
            fi;
            exists = false; times[t]++; slot = NO_SLOT
        };
        CRASH;
        put();
#ifdef BUG_HIGHEST_LAST
        RAISE(g);
#endif
        publish(s);
        CRASH;
#ifdef BUG_SETTLE_BEFORE_ANSWER
        settled();
        CRASH;
#endif
        assert(!mapped[s] || gone[s]);
        answer(t, OK)
    fi;
    CRASH;
    settled();

ended:
    skip;
    d_step { t = 0; s = 0; g = 0 };
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
        :: state[me] == NONE && !killed[me] && ops < MAXOPS ->
            ops++;
            if :: op[me] = MKDIR :: op[me] = RMDIR fi;
            state[me] = QUEUED
        :: state[me] == QUEUED && !killed[me] && kills < MAXKILL ->
            kills++; killed[me] = true; times[me] = 0; over(me)
        :: state[me] == TAKEN && !killed[me] && kills < MAXKILL -> kills++; killed[me] = true
        :: else
        fi;
        me = 0
       }
    od
}
