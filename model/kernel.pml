// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's side, the same for all models: requests, one for each thread that made a call. They queue up; the daemon
 * takes one and answers it, now or later. RESEND puts those that were taken and not answered in front of all others, in any
 * order. A caller that is killed while its request is queued takes it away; while it is taken, he must wait.
 *
 * And the intent of Records.java, of which the kernel's numbering is the other half: it names a request by a number that
 * never comes again. Here that is the thread, and NOBODY once the request is over.
 */

#ifndef MAXCRASH
#define MAXCRASH 2      /* two of them: one can hit the take-over itself */
#endif
#ifndef MAXKILL
#define MAXKILL 1       /* callers killed */
#endif

#define NOBODY NT

mtype = { NONE, QUEUED, TAKEN };                      /* a request, as the kernel has it */

mtype state[NT] = NONE;
mtype op[NT];
bool resent[NT];
bool killed[NT];
bool interrupt[NT];     /* an INTERRUPT for this thread's request is to be read */
chan queue = [NT] of { byte };

byte crashes, kills;

/* ---- The intent: it outlives the daemon ---- */

mtype jkind = NONE;     /* what it is; NONE: it is settled, or was never whole */
byte jfor = NOBODY;     /* the request that it is for */

/* ---- What a daemon remembers of it, and of the requests that it took when it took over ---- */

mtype begun = NONE;
byte begunfor = NOBODY;
bool mine[NT];          /* taken, and yet to be served in its turn */

#define CRASH if :: crashes < MAXCRASH -> crashes++; goto dead :: true fi

/* A call is made. */
inline call(thread) {
    state[thread] = QUEUED;
    queue!thread
}

/* The kernel hands a request over; one whose caller got a signal is followed by its INTERRUPT. */
inline take(thread) {
    state[thread] = TAKEN;
    if :: killed[thread] -> interrupt[thread] = true :: else fi
}

/* A request is over, and with it its number. */
inline over(thread) {
    state[thread] = NONE;
    op[thread] = 0;
    resent[thread] = false;
    interrupt[thread] = false;
    mine[thread] = false;
    if :: jfor == thread -> jfor = NOBODY :: else fi;
    if :: begunfor == thread -> begunfor = NOBODY :: else fi
}

inline resend() {
    d_step {
        for (i : 0 .. NT - 1) {
            if
            :: state[i] == TAKEN -> state[i] = QUEUED; resent[i] = true; interrupt[i] = false
            :: else
            fi
        }
        i = 0
    }
}

/* Session.takeResent. That it may be killed between two of them adds nothing: what was not taken was sent again as well. */
inline take_resent() {
    d_step {
        for (i : 0 .. NT - 1) {
            if
            :: state[i] == QUEUED && resent[i] -> take(i); mine[i] = true
            :: else
            fi
        }
        i = 0
    }
}

inline settle() {
    d_step { jkind = NONE; jfor = NOBODY }
}
