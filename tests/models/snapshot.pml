/* snapshot.pml - the default of try_select: taken only if there was one moment at which no case was ready (P8).
   See docs/protocol.md.

   WHAT IT MODELS
     NCH channels, each with the word {locked, ready bit, version}: computed anew and stored by every unlock, version one
     more. NMOVERS others change what is ready, STEPS times each: they lock a channel, make it ready or not, unlock. Readiness
     may also end without any lock (a queued waiter's wait is decided elsewhere: STALE=1), never begin; the bit then says
     more than is true, until the next unlock. PUSHY=1: a mover makes the other channel ready before it makes one not
     ready, so that at least one is ready at any moment, and a default would always be wrong.
     One party with a case on each channel: look at all; any ready or locked -> poll those, under their locks; none -> look
     at all again; all words as before -> default; else go round.

   WHAT IT CHECKS
     S1  default: at some moment since the call began no case was ready                                        (P8)
     S2  a case that is taken was ready, and is taken once
     S3  the call ends: no invalid end state; no round without end unless somebody else makes progress          (P11)

   MUTANTS (-DMUT=n)
      1 one look is enough                               5 the ready bit is published before the change is made, not after
      2 the second look compares the ready bits only     6 each channel is looked at twice at once, not all before any again
      3 locked is not taken for perhaps ready            7 a poll that fails counts as "not ready" for all: default at once
      4 unlock leaves the version as it was              8 the second look leaves out the first channel
      9 (live) a poll that fails leaves a stale ready bit standing                                                      */

#ifndef NCH
#define NCH 2
#endif
#ifndef NMOVERS
#define NMOVERS 1
#endif
#ifndef STEPS
#define STEPS 3
#endif
#ifndef STALE
#define STALE 0
#endif
#ifndef PUSHY
#define PUSHY 0
#endif
#ifndef MUT
#define MUT 0
#endif

#define LOCKED 1
#define READY 2
#define VERSION 4
byte word[NCH];
bool truth[NCH];                         /* what the lock guards: a poll would succeed */
bool looking, quiet;                     /* ghosts: the call is on; at some moment since it began no case was ready */

inline observe() {
  if :: looking && !truth[0] && !truth[1] && !truth[NCH - 1] -> quiet = true :: else fi
}
inline lock(c_) { atomic { !(word[c_] & LOCKED) -> word[c_] = word[c_] | LOCKED } }
inline unlock(c_) {
  atomic {
    if
    :: MUT == 4 -> word[c_] = (word[c_] & ~(LOCKED | READY)) | (truth[c_] -> READY : 0)
    :: MUT == 5 -> word[c_] = (word[c_] & ~LOCKED) + VERSION
    :: else -> word[c_] = ((word[c_] & ~(LOCKED | READY)) + VERSION) | (truth[c_] -> READY : 0)
    fi }
}
inline set(c_, to) {
  lock(c_);
  if :: MUT == 5 -> word[c_] = (word[c_] & ~READY) | (truth[c_] -> READY : 0) :: else fi;
  atomic { truth[c_] = to; observe() };
  unlock(c_)
}

proctype mover() {
  byte n, c;
  do
  :: n < STEPS -> n++;
     select(c : 0 .. NCH - 1);
#if PUSHY
     set((c + 1) % NCH, true); set(c, false)
#else
     if
     :: set(c, true)
     :: set(c, false)
#if STALE
     :: atomic { truth[c] = false; observe() }
#endif
     fi
#endif
  :: else -> break
  od
}

/* perhaps(w): the look says ready, or being changed */
#define perhaps(w_) ((w_ & READY) || ((w_ & LOCKED) && MUT != 3))

proctype chooser() {
  byte seen[NCH]; byte i, now; bool any, same, done;
  atomic { looking = true; observe() };
  do
  :: !done ->
     any = false; same = true;
     for (i : 0 .. NCH - 1) {
       atomic { seen[i] = word[i]; if :: perhaps(seen[i]) -> any = true :: else fi };
       if :: MUT == 6 -> if :: word[i] != seen[i] -> same = false :: else fi :: else fi
     }
     if
     :: any ->
        for (i : 0 .. NCH - 1) {
          now = word[i];
          if
          :: !done && perhaps(now) ->
             lock(i);
             if :: truth[i] -> done = true; atomic { truth[i] = false; observe() } :: else fi;
             if :: MUT == 9 && !done -> word[i] = (word[i] & ~LOCKED) + VERSION :: else -> unlock(i) fi
          :: else
          fi
        }
        if :: MUT == 7 && !done -> assert(quiet); done = true :: else fi
     :: !any ->
        if
        :: MUT != 1 && MUT != 6 ->
           for (i : (MUT == 8 -> 1 : 0) .. NCH - 1) {
             now = word[i];
             if :: MUT == 2 -> if :: perhaps(now) -> same = false :: else fi
             :: MUT == 3 -> if :: (now & ~LOCKED) != (seen[i] & ~LOCKED) -> same = false :: else fi
             :: else -> if :: now != seen[i] -> same = false :: else fi
             fi
           }
        :: else
        fi;
        if :: same -> assert(quiet); done = true :: else fi
     fi
  :: else -> break
  od;
  looking = false
}

init {
  byte x;
  atomic {
#if PUSHY
    truth[NCH - 1] = true; word[NCH - 1] = READY;
#endif
    for (x : 1 .. NMOVERS) { run mover() }
    run chooser()
  }
  _nr_pr == 1;
  for (x : 0 .. NCH - 1) { assert(!(word[x] & LOCKED) && (!truth[x] || (word[x] & READY))) }
}
