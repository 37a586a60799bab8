// SPDX-License-Identifier: Apache-2.0
/*
 * A daemon that is killed at any step, and its successor, which has nothing but the journal and what the kernel sends
 * again. Checked: no bump and no ack is lost or done twice, WAIT tells the truth, and nobody is left asleep.
 *
 * The kernel is on this side: requests queue up, one for each thread that made a call; the daemon takes one, and
 * answers it, now or later. After RESEND those that were taken and not answered queue up again, before all others, in
 * any order. A caller that is killed while its request is queued takes it away; while it is taken, it must wait.
 *
 * Each BUG_ macro takes one rule out; ./run shows that the properties fail then. README.md names the rules.
 */

#ifndef MAXOPS
#define MAXOPS 4        /* calls in all */
#endif
#ifndef MAXBUMP
#define MAXBUMP 2       /* of these, bumps */
#endif
#ifndef MAXCRASH
#define MAXCRASH 2      /* two of them: one can hit the take-over itself */
#endif
#ifndef MAXKILL
#define MAXKILL 1       /* callers killed */
#endif
#ifndef MAXTICK
#define MAXTICK 1       /* each lets every WAIT with a deadline run out */
#endif
#ifndef MODULUS
#define MODULUS 8       /* generations wrap at it */
#endif

#define NW 2            /* watchers */
#define NT 3            /* threads: the first two share watcher 0 */
#define OF(t) ((t) / 2)
#define NOBODY NT
#define GEN(serial) ((serial) % MODULUS)

mtype = { NONE, QUEUED, TAKEN };                      /* a request, as the kernel has it */
mtype = { READ, ACK, BUMP, WAIT, POLL };
mtype = { OK, EINTR, EINVAL, ETIME, ZERO };           /* ZERO: poll found nothing */

/* ---- The kernel ---- */

mtype state[NT] = NONE;
mtype op[NT];
byte value[NT];         /* the generation that is written */
bool limited[NT];       /* this WAIT has a timeout */
bool resent[NT];
bool killed[NT];
bool interrupt[NT];     /* an INTERRUPT for this thread's request is to be read */
bool woken[NT];         /* the poller was notified since it asked */
bool asleep[NT];        /* the poller found nothing */
chan queue = [NT] of { byte };
byte page[NW];          /* what is mapped: a serial, so that the order can be checked */
byte now;

byte ops, bumps, crashes, kills;

/* ---- What the journal holds: it outlives the daemon ---- */

byte jserial;           /* bumps so far */
byte jacked[NW];        /* the serial that each watcher acked last */
bool jwake[NW];         /* its pollers asked to be notified */
byte jlast = NOBODY;    /* whose request was the last that changed something, by its unique number */
byte jdeadline[NT];     /* of a parked WAIT, by its unique number; 0: none is known */

/* ---- What the daemon holds: lost with it ---- */

byte serial;
byte acked[NW];
bool wake[NW];
bool parked[NT];
byte deadline[NT];
byte last = NOBODY;
chan deferred = [NT] of { byte };

/* ---- What really happened: the oracle ---- */

byte gserial;
byte gacked[NW];
byte times[NT];         /* how often this request took effect */
bool waiting[NT];       /* this request was parked once */
bool owed[NT];          /* what it waits for has happened */
byte gdeadline[NT];

byte t, w, best, i;     /* the daemon's own scratch */

#ifdef BUG_ACKED_BY_NUMBER
#define OUTDATED(w) (GEN(acked[w]) != GEN(serial))
#else
#define OUTDATED(w) (acked[w] != serial)
#endif
#define ANY_OUTDATED (OUTDATED(0) || OUTDATED(1))
#define GOUTDATED(w) (gacked[w] != gserial)
#define ANY_GOUTDATED (GOUTDATED(0) || GOUTDATED(1))

#define CRASH if :: crashes < MAXCRASH -> crashes++; goto dead :: true fi

/* The kernel has one more answer, and the caller runs on. A unique number never comes again. */
inline answer(thread, what) {
    d_step {
        assert(state[thread] == TAKEN);
        /* a bump's answer: everybody has been told */
        assert(op[thread] != BUMP || what != OK ||
            (times[thread] == 1 && page[0] == gserial && page[1] == gserial &&
             !(op[0] == READ && owed[0]) && !(op[1] == READ && owed[1]) && !(op[2] == READ && owed[2])));
        /* an ack's answer is what happened */
        assert(op[thread] != ACK || what != OK || times[thread] == 1);
        assert(op[thread] != ACK || what != EINVAL || times[thread] == 0);
        /* who returns from read is outdated, and finds it in its page */
        assert(op[thread] != READ || what != OK || (GOUTDATED(OF(thread)) && page[OF(thread)] == gserial));
        assert(op[thread] != WAIT || what != OK || !ANY_GOUTDATED);
        asleep[thread] = (op[thread] == POLL && what == ZERO && !killed[thread]);
        state[thread] = NONE;
        op[thread] = 0;
        value[thread] = 0;
        limited[thread] = false;
        parked[thread] = false;
        resent[thread] = false;
        interrupt[thread] = false;
        waiting[thread] = false;
        owed[thread] = false;
        deadline[thread] = 0;
        jdeadline[thread] = 0;
        gdeadline[thread] = 0;
        times[thread] = 0;
        if :: jlast == thread -> jlast = NOBODY :: else fi;
        if :: last == thread -> last = NOBODY :: else fi;
    }
}

/* The effect itself: in the daemon's memory, and in the oracle. */
inline bump_takes_effect(thread) {
    serial++;
    gserial++;
    times[thread]++;
    assert(times[thread] == 1);
    for (i : 0 .. NT - 1) {
        if :: state[i] == TAKEN && op[i] == READ && waiting[i] -> owed[i] = true :: else fi
    }
    i = 0;
}

inline ack_takes_effect(thread) {
    acked[OF(thread)] = serial;
    gacked[OF(thread)] = gserial;
    times[thread]++;
    assert(times[thread] == 1);
    for (i : 0 .. NT - 1) {
        if
        :: !ANY_GOUTDATED && state[i] == TAKEN && op[i] == WAIT && waiting[i] -> owed[i] = true
        :: else
        fi
    }
    i = 0;
}

/* Sets w to the first of which the condition holds, or to NT. */
inline find(condition) {
    d_step {
        w = 0;
        do :: w < NT && !(condition) -> w++ :: else -> break od
    }
}

inline publish(watcher) {
    d_step {
        assert(page[watcher] <= serial);
        page[watcher] = serial;
    }
}

inline notify(watcher) {
    d_step {
        for (i : 0 .. NT - 1) {
            if :: OF(i) == watcher && (asleep[i] || op[i] == POLL) -> woken[i] = true :: else fi
        }
        i = 0;
    }
}

#define TIMED_OUT(t) (parked[t] && op[t] == WAIT && deadline[t] != 0 && deadline[t] <= now)
#define WORK (len(deferred) > 0 || len(queue) > 0 || \
    (state[0] == QUEUED) || (state[1] == QUEUED) || (state[2] == QUEUED) || \
    interrupt[0] || interrupt[1] || interrupt[2] || TIMED_OUT(0) || TIMED_OUT(1) || TIMED_OUT(2))

/* Nothing is left to do: is everybody right to sleep? */
inline check_sleepers() {
    d_step {
        for (i : 0 .. NT - 1) {
            assert(!(state[i] == TAKEN && op[i] == READ) || (!GOUTDATED(OF(i)) && !owed[i]));
            assert(!(state[i] == TAKEN && op[i] == WAIT) ||
                (!GOUTDATED(OF(i)) && ANY_GOUTDATED && !owed[i] && (gdeadline[i] == 0 || gdeadline[i] > now)));
            assert(!(state[i] == TAKEN) || op[i] == READ || op[i] == WAIT);
            assert(!(asleep[i] && !woken[i]) || !GOUTDATED(OF(i)));
        }
        assert(page[0] == gserial && page[1] == gserial && serial == gserial);
        i = 0;
    }
}

/* Which of the requests that came again is served first. */
#ifdef BUG_RESENT_UNSORTED
#define RANK(t) 1
#else
#ifdef BUG_LAST_NOT_FIRST
#define RANK(t) (op[t] == READ || op[t] == POLL -> 1 : (op[t] == WAIT -> 2 : (op[t] == ACK -> 4 : 5)))
#else
#define RANK(t) (op[t] == READ || op[t] == POLL -> 1 : (op[t] == WAIT -> 2 : (last == t -> 3 : (op[t] == ACK -> 4 : 5))))
#endif
#endif
#define RESENT(t) (state[t] == QUEUED && resent[t])
#define FIRST(t) (RESENT(t) && (!RESENT(0) || RANK(t) <= RANK(0)) && (!RESENT(1) || RANK(t) <= RANK(1)) && \
    (!RESENT(2) || RANK(t) <= RANK(2)))
#define ANY_RESENT (RESENT(0) || RESENT(1) || RESENT(2))

/* The kernel hands a request over; one whose caller got a signal is followed by its INTERRUPT. */
inline take(thread) {
    state[thread] = TAKEN;
    if :: killed[thread] -> interrupt[thread] = true :: else fi
}

inline receive() {
    if
    :: FIRST(0) -> t = 0
    :: FIRST(1) -> t = 1
    :: FIRST(2) -> t = 2
    :: !ANY_RESENT && len(queue) > 0 -> queue?t
    fi;
    take(t)
}

inline resend() {
    d_step {
        for (i : 0 .. NT - 1) {
            if
            :: state[i] == TAKEN -> state[i] = QUEUED; resent[i] = true; interrupt[i] = false
            :: else
            fi
        }
        i = 0;
    }
}

active proctype Daemon() {
    goto takeover;

dead:
    skip; /* its memory is gone */
    d_step {
        do :: len(deferred) > 0 -> deferred?t :: len(deferred) == 0 -> break od;
        t = 0; w = 0; best = 0;
        parked[0] = false; parked[1] = false; parked[2] = false;
        deadline[0] = 0; deadline[1] = 0; deadline[2] = 0;
    }

takeover:
    skip;
    d_step {
        serial = jserial;
        acked[0] = jacked[0]; acked[1] = jacked[1];
        wake[0] = jwake[0]; wake[1] = jwake[1];
        last = jlast;
    }
#ifndef BUG_NO_REPUBLISH
    publish(0);
    CRASH;
    publish(1);
    CRASH;
#endif
#ifdef BUG_READ_BEFORE_RESEND
    if
    :: atomic { crashes > 0 && len(queue) > 0 -> receive() }; goto serve
    :: true
    fi;
#endif
#ifndef BUG_NO_RESEND
    resend();
#endif
    CRASH;
#ifndef BUG_NO_NOTIFY
    if :: wake[0] -> notify(0) :: else fi;
    CRASH;
    if :: wake[1] -> notify(1) :: else fi;
    CRASH;
#endif

idle:
    atomic { if :: !WORK -> check_sleepers() :: else fi };
end_idle:
    if
    :: len(deferred) > 0 -> deferred?t; goto serve
    :: atomic { len(deferred) == 0 && (ANY_RESENT || len(queue) > 0) -> receive() }; goto serve
    :: atomic { len(deferred) == 0 && interrupt[0] -> interrupt[0] = false; t = 0 }; goto interrupted
    :: atomic { len(deferred) == 0 && interrupt[1] -> interrupt[1] = false; t = 1 }; goto interrupted
    :: atomic { len(deferred) == 0 && interrupt[2] -> interrupt[2] = false; t = 2 }; goto interrupted
    :: TIMED_OUT(0) -> answer(0, ETIME); goto idle
    :: TIMED_OUT(1) -> answer(1, ETIME); goto idle
    :: TIMED_OUT(2) -> answer(2, ETIME); goto idle
    :: crashes < MAXCRASH && (state[0] != NONE || state[1] != NONE || state[2] != NONE || asleep[0] || asleep[1]
        || asleep[2]) -> crashes++; goto dead
    fi;

interrupted:
    if :: parked[t] -> answer(t, EINTR) :: else fi;
    goto idle;

serve:
    CRASH;
    if
    :: op[t] == READ ->
        if
        :: OUTDATED(OF(t)) -> answer(t, OK)
        :: else -> d_step { parked[t] = true; waiting[t] = true }
        fi

    :: op[t] == POLL ->
#ifdef BUG_POLL_NOT_RECORDED
        wake[OF(t)] = true;
#else
        d_step { wake[OF(t)] = true; jwake[OF(t)] = true };
#endif
        CRASH;
        if :: OUTDATED(OF(t)) -> answer(t, OK) :: else -> answer(t, ZERO) fi

    :: op[t] == WAIT ->
        if
        :: OUTDATED(OF(t)) -> answer(t, EINTR)
        :: !OUTDATED(OF(t)) && !ANY_OUTDATED -> answer(t, OK)
        :: !OUTDATED(OF(t)) && ANY_OUTDATED ->
            d_step {
                if
#ifndef BUG_TIMER_RESTARTS
                :: limited[t] && jdeadline[t] != 0 -> deadline[t] = jdeadline[t]
                :: limited[t] && jdeadline[t] == 0 -> deadline[t] = now + 1; jdeadline[t] = now + 1
#else
                :: limited[t] -> deadline[t] = now + 1
#endif
                :: !limited[t]
                fi;
                if :: gdeadline[t] == 0 -> gdeadline[t] = deadline[t] :: else fi;
                parked[t] = true;
                waiting[t] = true
            }
        fi

    :: op[t] == ACK ->
        if
#ifndef BUG_NO_UNIQUE
        :: last == t -> skip
        :: last != t && value[t] == GEN(serial) ->
#else
        :: value[t] == GEN(serial) ->
#endif
            if
            :: !OUTDATED(OF(t)) -> d_step { times[t] = 1 } /* nothing to do is done */
            :: else ->
#ifdef BUG_ACK_ANSWERED_FIRST
                d_step { ack_takes_effect(t); best = OF(t) };
                answer(t, OK);
                CRASH;
                jacked[best] = serial;
                goto ack_done;
#endif
                d_step {
                    ack_takes_effect(t);
#ifndef BUG_ACK_NOT_RECORDED
                    jacked[OF(t)] = serial;
#endif
#ifndef BUG_NO_UNIQUE
                    last = t; jlast = t
#endif
                };
                CRASH
            fi
#ifndef BUG_NO_UNIQUE
        :: last != t && value[t] != GEN(serial) -> answer(t, EINVAL); goto idle
#else
        :: value[t] != GEN(serial) -> answer(t, EINVAL); goto idle
#endif
        fi;
        answer(t, OK);
ack_done:
        do
        :: find(parked[w] && op[w] == WAIT && !ANY_OUTDATED);
            if :: w < NT -> CRASH; answer(w, OK) :: w == NT -> w = 0; break fi
        od

    :: op[t] == BUMP ->
        if
#ifndef BUG_NO_UNIQUE
        :: last == t -> goto bumped /* done before the crash; the take-over has told everybody */
        :: last != t ->
#else
        :: true ->
#endif
#ifdef BUG_EFFECT_BEFORE_JOURNAL
            d_step { bump_takes_effect(t) };
            publish(0);
            CRASH;
            publish(1);
            CRASH;
            d_step { jserial = serial; last = t; jlast = t };
#else
#ifdef BUG_TORN_RECORD
            d_step { bump_takes_effect(t); jserial = serial };
            CRASH;
            d_step { last = t; jlast = t };
#else
            d_step {
                bump_takes_effect(t);
                jserial = serial;
#ifndef BUG_NO_UNIQUE
                last = t; jlast = t
#endif
            };
#endif
            CRASH;
            publish(0);
            CRASH;
            publish(1);
#endif
            /* While pages are stored in the fallback, requests may be read and put off. */
            do
            :: atomic { len(queue) > 0 && !ANY_RESENT -> queue?w; take(w); deferred!w; w = 0 }
            :: true -> break
            od;
            CRASH
        fi;
        do
        :: find(parked[w] && op[w] == READ);
            if :: w < NT -> answer(w, OK); CRASH :: w == NT -> w = 0; break fi
        od;
        do
        :: find(w < NW && wake[w]);
            if :: w < NT -> skip :: w == NT -> w = 0; break fi;
#ifdef BUG_WAKE_CLEARED_FIRST
            d_step { wake[w] = false; jwake[w] = false };
            CRASH;
            notify(w)
#else
            notify(w);
            CRASH;
            d_step { wake[w] = false; jwake[w] = false }
#endif
        od;
        do
        :: find(parked[w] && op[w] == WAIT && OUTDATED(OF(w)));
            if :: w < NT -> answer(w, EINTR); CRASH :: w == NT -> w = 0; break fi
        od;
bumped:
        answer(t, OK)
    fi;
    t = 0;
    goto idle
}

/* The threads of the clients: any calls, in any order. */
inline call(thread) {
    state[thread] = QUEUED;
    queue!thread
}

active proctype Clients() {
    byte me;
end_clients:
    do
    :: ops < MAXOPS -> atomic {
        if :: me = 0 :: me = 1 :: me = 2 fi;
        if
        :: state[me] == NONE && !asleep[me] && !killed[me] ->
            ops++;
            if
            :: op[me] = READ
            :: op[me] = ACK; value[me] = GEN(page[OF(me)])
            :: bumps < MAXBUMP -> bumps++; op[me] = BUMP
            :: op[me] = WAIT; if :: limited[me] = false :: MAXTICK > 0 -> limited[me] = true fi
            :: op[me] = POLL; woken[me] = false
            fi;
            call(me)
        :: else
        fi;
        me = 0
       }
    :: asleep[0] && woken[0] -> atomic { asleep[0] = false; woken[0] = false; op[0] = POLL; call(0) }
    :: asleep[1] && woken[1] -> atomic { asleep[1] = false; woken[1] = false; op[1] = POLL; call(1) }
    :: asleep[2] && woken[2] -> atomic { asleep[2] = false; woken[2] = false; op[2] = POLL; call(2) }
    od
}

active proctype Signals() {
    byte me;
end_signals:
    do
    :: kills < MAXKILL -> atomic {
        if :: me = 0 :: me = 1 :: me = 2 fi;
        if
        :: state[me] == QUEUED && !killed[me] ->
            /* not with the daemon: it is taken out of the queue, and nothing is left of it but its effect */
            kills++; killed[me] = true;
            if :: !resent[me] -> queue??eval(me) :: else fi;
            state[me] = NONE; resent[me] = false; waiting[me] = false; owed[me] = false; times[me] = 0;
            jdeadline[me] = 0; gdeadline[me] = 0; deadline[me] = 0;
            if :: jlast == me -> jlast = NOBODY :: else fi;
            if :: last == me -> last = NOBODY :: else fi;
            op[me] = 0; value[me] = 0; limited[me] = false
        :: state[me] == TAKEN && !killed[me] -> kills++; killed[me] = true; interrupt[me] = true
        :: else
        fi;
        me = 0
       }
    :: kills >= MAXKILL -> break
    od
}

active proctype Clock() {
end_clock:
    do
    :: now < MAXTICK && (jdeadline[0] != 0 || jdeadline[1] != 0 || jdeadline[2] != 0 || deadline[0] != 0 ||
        deadline[1] != 0 || deadline[2] != 0) -> now++
    :: now >= MAXTICK -> break
    od
}
