// SPDX-License-Identifier: Apache-2.0
/*
 * The coming and going of inodes and open files across crashes of the daemon. Checked: two inodes that the kernel knows
 * never have the same number, nor two open files; every open file has its watcher; and a watcher whose file is gone does
 * not stay, for it would be waited for until the end of time.
 *
 * As in serve.pml: what was taken and not answered is sent again; a caller killed while its request is queued takes it
 * away. RELEASE is the kernel's own and is never taken away. FORGET has no answer, so it is not sent again.
 */

#ifndef MAXOPENS
#define MAXOPENS 3      /* look-ups in all */
#endif
#ifndef MAXCRASH
#define MAXCRASH 2
#endif
#ifndef MAXKILL
#define MAXKILL 2
#endif

#define NO 2            /* who opens; each has one file at a time */
#define IDS 8           /* numbers: 0 is none */

mtype = { NONE, QUEUED, TAKEN };
mtype = { LOOKUP, OPEN, RELEASE };

/* ---- The kernel ---- */

mtype state[NO] = NONE;
mtype op[NO];
bool killed[NO];
byte node[NO];          /* the inode that this opener has found; the kernel knows it while it is not 0 */
byte file[NO];          /* its open file */
bool held[NO];          /* the inode is in use: between LOOKUP and OPEN, or by the file */
byte forgets[NO];       /* a FORGET of this inode is to be read */

bool was[IDS];          /* the file of this number was open once */

byte opens, crashes, kills;

/* ---- The journal ---- */

byte jnode = 1;         /* the next number of an inode */
byte jfile = 1;         /* the next number of a file */
bool recorded[IDS];     /* the inode has a page */
bool watcher[IDS];      /* by the number of the file */
byte on[IDS];           /* its inode */
byte made[IDS];         /* 1 + whose OPEN made it, by its unique number, while that may come again */

/* ---- The daemon ---- */

byte nextnode = 1, nextfile = 1;
byte o, n, f, i;

#define CRASH if :: crashes < MAXCRASH -> crashes++; goto dead :: true fi
#define KNOWN(id) ((id) != 0 && (node[0] == (id) || node[1] == (id)))
#define UNUSED(id) ((node[0] == (id) && file[0] == 0) || (node[1] == (id) && file[1] == 0))
#define IN_USE(id) ((id) != 0 && (file[0] == (id) || file[1] == (id)))

inline answered(opener) {
    assert(state[opener] == TAKEN);
    state[opener] = NONE;
    op[opener] = 0;
    for (i : 1 .. IDS - 1) {
        if :: made[i] == opener + 1 -> made[i] = 0 :: else fi
    }
    i = 0
}

inline drop_node(id) {
    d_step {
        recorded[id] = false;
#ifndef BUG_FORGET_KEEPS_WATCHERS
        for (i : 1 .. IDS - 1) {
            if :: watcher[i] && on[i] == id -> watcher[i] = false; on[i] = 0; made[i] = 0 :: else fi
        }
        i = 0
#endif
    }
}

#define WORK (state[0] == QUEUED || state[1] == QUEUED || forgets[0] || forgets[1])

inline check_records() {
    d_step {
        for (i : 0 .. NO - 1) {
            /* every open file has its watcher */
            assert(file[i] == 0 || op[i] == RELEASE || (watcher[file[i]] && on[file[i]] == node[i]));
        }
        for (i : 1 .. IDS - 1) {
            /* every watcher has its file; or its file never came to be, and a FORGET of the inode will tell */
            assert(!watcher[i] || IN_USE(i) || (!was[i] && UNUSED(on[i])));
            assert(!recorded[i] || KNOWN(i));
        }
        i = 0
    }
}

active proctype Daemon() {
    goto idle;

dead:
    skip; /* its memory is gone */
    d_step { o = 0; n = 0; f = 0; i = 0 };
    d_step {
        nextnode = jnode;
        nextfile = jfile;
#ifdef BUG_NODES_REUSED
        /* "the highest that is recorded, and one" */
        nextnode = 1;
        for (i : 1 .. IDS - 1) { if :: recorded[i] -> nextnode = i + 1 :: else fi }
#endif
#ifdef BUG_FILES_REUSED
        nextfile = 1;
        for (i : 1 .. IDS - 1) { if :: watcher[i] -> nextfile = i + 1 :: else fi }
#endif
        i = 0
    };
    d_step {
        for (i : 0 .. NO - 1) {
            if :: state[i] == TAKEN -> state[i] = QUEUED :: else fi
        }
        i = 0
    };
    CRASH;
#ifndef BUG_NODES_NOT_PROBED
    /* Ask the kernel about each inode that is recorded: one that it does not know is gone. */
    n = 1;
    do
    :: n < IDS && recorded[n] && !KNOWN(n) -> drop_node(n); CRASH; n++
    :: n < IDS && !(recorded[n] && !KNOWN(n)) -> n++
    :: n == IDS -> break
    od;
    n = 0;
#endif

idle:
    atomic { if :: !WORK -> check_records() :: else fi };
end_idle:
    if
    :: atomic { state[0] == QUEUED -> state[0] = TAKEN; o = 0 }; goto serve
    :: atomic { state[1] == QUEUED -> state[1] = TAKEN; o = 1 }; goto serve
    :: atomic { forgets[0] -> n = forgets[0]; forgets[0] = 0 }; goto forget
    :: atomic { forgets[1] -> n = forgets[1]; forgets[1] = 0 }; goto forget
    :: crashes < MAXCRASH && WORK -> crashes++; goto dead
    fi;

forget:
    CRASH;
    drop_node(n);
    n = 0;
    goto idle;

serve:
    CRASH;
    if
    :: op[o] == LOOKUP ->
        d_step { n = nextnode; nextnode++; jnode = nextnode };
        CRASH;
        d_step {
            assert(n != node[1 - o]);
            node[o] = n;
            held[o] = true;
            n = 0;
            answered(o)
        }

    :: op[o] == OPEN ->
        d_step {
            f = 0;
#ifndef BUG_OPEN_NOT_RECOGNIZED
            for (i : 1 .. IDS - 1) { if :: made[i] == o + 1 -> f = i :: else fi };
            i = 0
#endif
        };
#ifdef BUG_OPEN_ANSWERED_FIRST
        d_step { f = nextfile; nextfile++; file[o] = f; was[f] = true; n = node[o]; answered(o) };
        CRASH;
        d_step { jfile = nextfile; watcher[f] = true; on[f] = n; recorded[n] = true; n = 0; f = 0 };
        goto idle;
#endif
        d_step {
            if
            :: f == 0 ->
                f = nextfile; nextfile++; jfile = nextfile;
                watcher[f] = true; on[f] = node[o]; made[f] = o + 1; recorded[node[o]] = true
            :: else
            fi
        };
        CRASH;
        d_step {
            assert(f != file[1 - o]);
            file[o] = f;
            was[f] = true;
            f = 0;
            answered(o)
        }

    :: op[o] == RELEASE ->
#ifdef BUG_RELEASE_ANSWERED_FIRST
        d_step { f = file[o]; file[o] = 0; held[o] = false; answered(o) };
        CRASH;
        d_step { watcher[f] = false; on[f] = 0; made[f] = 0; f = 0 };
        goto idle;
#endif
        /* one that is not known any more was removed before the crash: that is fine */
        d_step { f = file[o]; watcher[f] = false; on[f] = 0; made[f] = 0; f = 0 };
        CRASH;
        d_step { file[o] = 0; held[o] = false; answered(o) }
    fi;
    o = 0;
    goto idle
}

active proctype Clients() {
    byte me;
end_clients:
    do
    :: atomic {
        if :: me = 0 :: me = 1 fi;
        if
        :: state[me] == NONE && !held[me] && node[me] == 0 && forgets[me] == 0 && !killed[me] && opens < MAXOPENS ->
            opens++; op[me] = LOOKUP; state[me] = QUEUED
        :: state[me] == NONE && held[me] && file[me] == 0 && !killed[me] -> op[me] = OPEN; state[me] = QUEUED
        :: state[me] == NONE && file[me] != 0 -> op[me] = RELEASE; state[me] = QUEUED
        /* Nobody uses the inode: it goes sooner or later. */
        :: state[me] == NONE && node[me] != 0 && file[me] == 0 && (!held[me] || killed[me]) ->
            forgets[me] = node[me]; node[me] = 0; held[me] = false; killed[me] = false
        :: state[me] == QUEUED && op[me] != RELEASE && !killed[me] && kills < MAXKILL ->
            kills++; state[me] = NONE; op[me] = 0;
            if :: node[me] != 0 -> killed[me] = true :: else fi;
            for (i : 1 .. IDS - 1) { if :: made[i] == me + 1 -> made[i] = 0 :: else fi };
            i = 0
        :: else
        fi;
        me = 0
       }
    od
}
