/* park.pml - one waiter's word, wait after wait: deciding, parking, waking, cancelling.  See docs/protocol.md.

   WHAT IT MODELS
     One owner that waits again and again on NS sources. Each source fires FIRES times; a firing that finds the owner's
     node linked claims the word, alone or (nondeterministically) as one half of a pair: locked first, then settled.
     A visitor tries a pair and finds that the other half is gone: it locks and unlocks. The word is modelled bit for bit.
     The owner is a fiber: it leaves its stack, and the worker's loop runs commit_park; NWORK workers, so that a committer
     and those who wake the owner overlap. With THREAD=1 it is a thread: a flag to sleep on, and a timer of its own.
     Cancel requests: CANCELS of them, each made after the one before was delivered (RACING=1: all at once); SHUT=1: a
     request that is never used up; SHIELD=1: waits that may not be cancelled.
     Steps: one atomic operation on a shared word is one step; a source's critical section is one step up to its first
     operation on the word and one from there (what it guards, its holder alone touches).

   WHAT IT CHECKS
     A1  a wait is decided once; each firing is consumed by exactly one wait                                (P1, P2)
     A2  no lost wake-up: the owner never sleeps with its wait decided, or a source ready, or a request open    (P3)
         (invalid end states)
     A3  the owner runs on one worker at a time: woken off its stack only, at most once for each park           (P1)
     A4  the payload is in place when the owner returns; nobody touches the frame of a wait that is over, and no
         committer the descriptor of an owner that has ended                                                    (P4)
     A5  one request cancels one wait, never none and never two; a shielded wait is not cancelled; shutdown stays
     A6  no round without end in which nothing is decided: non-progress cycles under weak fairness             (P11)

   MUTANTS (-DMUT=n; run.sh says where each must die)
      1 parked is set while the fiber still runs on its stack     11 the cancel claim takes any open word, parked or not
      2 finish wakes without looking at parked                    12 a fiber is resumed while its committer is not done
      3 finish never wakes                                        13 a request that could not be delivered is not put back
      4 the winner of a sleeping owner sets done after wake       14 a cancel request overwrites shutdown
      5 parked is stored, not compared and swapped                15 the owner claims by a store though a node is published
      6 decided without payload is taken for settled              16 arm does not look again under the lock
      7 the committer does not look at stop                       17 the payload comes after finish
      8 the canceller looks first and then sets stop              18 a shielded wait is parked like any other
      9 a delivered request is not used up                        19 a pair is settled by a store: parked is lost
     10 a locked word is taken for decided by the canceller                                                          */

#ifndef NS
#define NS 2
#endif
#ifndef FIRES
#define FIRES 1
#endif
#ifndef NWORK
#define NWORK 2
#endif
#ifndef CANCELS
#define CANCELS 0
#endif
#ifndef RACING
#define RACING 0
#endif
#ifndef SHUT
#define SHUT 0
#endif
#ifndef SHIELD
#define SHIELD 0
#endif
#ifndef THREAD
#define THREAD 0
#endif
#ifndef VISIT
#define VISIT 0
#endif
#ifndef MUT
#define MUT 0
#endif
#define NEVENTS (NS * FIRES + THREAD)
#define MUST_GET (SHUT -> 2 : (RACING -> 1 : CANCELS))   /* waits that must end cancelled before the owner may go */

#define PARKED 1
#define SHIELDED 2
#define LOCKED 4
#define WON 8
#define DONE 16
#define CANCELLED 9
#define ONCE 1
#define ALWAYS 2

/* the owner's descriptor */
byte word = WON + DONE; byte widx;       /* one atomic word: bits, winning index */
byte stop;
bool leaving;                            /* its committer is not done with it yet */
/* the frame of the current wait: one node for each source */
byte frame;                              /* ghost: the number of the wait whose frame exists, 0 between waits */
bool slot[NS];
/* the sources */
bool lk[NS]; bool linked[NS]; byte ready[NS];
/* where the owner is */
bool running, off_stack; byte runq;      /* on a worker; has left its stack and is not committed; wake-ups in the queue */
bool shield; bool woken;
/* ghosts */
byte consumed, got, waits, requested, referring = CANCELS + SHUT; bool over;
#define gone (over && referring == 0)    /* the descriptor is freed: cancellers hold a reference, committers do not */

inline wake() {
#if THREAD
  woken = true
#else
  atomic { assert(!running); assert(runq == 0); runq++ }
#endif
}

/* The winner's last act. A sleeping owner is woken by its winner only; else by whoever comes second of finish and park. */
inline finish(sees_asleep) {
  if
  :: sees_asleep && MUT != 4 && MUT != 2 -> wake()
  :: MUT == 4 && sees_asleep -> wake(); word = word | DONE
  :: MUT == 2 -> word = word | DONE; wake()
  :: else -> atomic { before = word; word = word | DONE };
             if :: (before & PARKED) && MUT != 3 -> wake() :: else fi
  fi
}

/* Fires, and if somebody waits here, wins its wait. */
proctype source(byte s) {
  byte before, n, mine; bool sleeps;
  do
  :: n < FIRES ->
     atomic { !lk[s] -> lk[s] = true;
       if :: !linked[s] -> ready[s]++; lk[s] = false; goto fired :: else -> mine = frame; assert(mine != 0) fi };
     if
     :: atomic { !(word & LOCKED) ->                                /* alone */
          if
          :: word & WON -> linked[s] = false; ready[s]++; lk[s] = false; goto fired
          :: else -> sleeps = word & PARKED; word = word | WON; widx = s
          fi }
     :: atomic { !(word & LOCKED) ->                                /* as one half of a pair */
          if
          :: word & WON -> linked[s] = false; ready[s]++; lk[s] = false; goto fired
          :: else -> word = word | LOCKED
          fi };
        if
        :: MUT != 19 -> atomic { sleeps = word & PARKED; word = (word & ~LOCKED) | WON; widx = s }
        :: MUT == 19 -> before = word; atomic { sleeps = before & PARKED; word = (before & ~LOCKED) | WON; widx = s }
        fi
     fi;
     atomic { linked[s] = false; lk[s] = false };
     if :: MUT != 17 -> atomic { assert(frame == mine); slot[s] = true } :: else fi;
     finish(sleeps);
     if :: MUT == 17 -> atomic { assert(frame == mine); slot[s] = true } :: else fi;
fired: n++
  :: else -> break
  od
}

/* One half of a pair whose other half turns out to be decided. */
proctype visitor(byte s) {
  atomic { !lk[s] -> if :: linked[s] -> lk[s] = true :: else -> goto out fi };
  atomic { !(word & LOCKED) -> if :: word & WON -> lk[s] = false; goto out :: else -> word = word | LOCKED fi };
  atomic { word = word & ~LOCKED; lk[s] = false };
out: skip
}

/* Gives an open stop request to the wait that is parked now, if there is one. hit: it was decided here, and is to be woken.
   Whoever takes the request out of stop delivers it or puts it back and looks again. */
inline deliver_stop() {
  hit = false;
  do
  :: atomic { assert(!gone); w = word };
     if :: !(w & PARKED) || (w & (WON | SHIELDED)) || (MUT == 10 && (w & LOCKED)) -> break :: else fi;
     atomic { assert(!gone); taken = stop; if :: stop == ONCE && MUT != 9 -> stop = 0 :: else fi };
     if :: taken == 0 -> break :: else fi;
     atomic { !(word & LOCKED) ->                                   /* open, parked, not shielded: nothing else will do */
       if
       :: !(word & WON) && (MUT == 11 || (word & (PARKED | SHIELDED)) == PARKED) -> word = word | WON; widx = CANCELLED; hit = true
       :: else
       fi };
     if :: hit -> break :: else fi;
     if :: MUT != 13 -> atomic { assert(!gone); if :: stop == 0 -> stop = ONCE :: else fi } :: else fi
  od;
  taken = 0; w = 0
}

inline commit_park(may_be_cancelled) {       /* hit: the owner does not sleep */
  hit = false;
  if
  :: MUT == 5 -> w = word; if :: w & DONE -> hit = true :: else -> word = w | PARKED fi; w = 0
  :: MUT == 6 -> atomic { if :: word & WON -> hit = true :: else -> word = word | PARKED fi }
  :: else -> atomic { if :: word & DONE -> hit = true :: else -> word = word | PARKED | ((may_be_cancelled || MUT == 18) -> 0 : SHIELDED) fi }
  fi;                                        /* from here on the owner may be woken */
  if
  :: !hit && (may_be_cancelled || MUT == 18) && MUT != 7 ->
     atomic { assert(!gone); taken = stop };
     if :: taken != 0 -> taken = 0; deliver_stop() :: else fi
  :: else
  fi
}

#if !THREAD
proctype worker() {
  byte w, taken; bool hit, may;
  do
  :: atomic { runq > 0 && (!leaving || MUT == 12) -> runq--; assert(!running); running = true };
     do
     :: atomic { off_stack -> off_stack = false; leaving = true; may = !shield };
        if :: MUT != 1 -> commit_park(may) :: else fi;
        leaving = false;
        if :: hit && MUT != 1 -> atomic { hit = false; assert(!running && runq == 0); running = true } :: else -> break fi
     :: over -> break
     od
  :: over -> break
  od
}
#endif

proctype canceller(byte nth) {
  byte w, taken; bool hit;
  if :: RACING || got >= nth fi;
  requested++;
  if
  :: MUT == 8 -> deliver_stop(); atomic { if :: stop == 0 -> stop = ONCE :: else fi }
  :: MUT == 14 -> stop = ONCE; deliver_stop()
  :: else -> atomic { if :: stop == 0 -> stop = ONCE :: else fi }; deliver_stop()
  fi;
  if :: hit -> wake() :: else fi;
  referring--
}

#if SHUT
proctype shutdown() {
  byte w, taken; bool hit;
  stop = ALWAYS;
  deliver_stop();
  if :: hit -> wake() :: else fi;
  referring--
}
#endif

inline park() {
#if THREAD
  woken = false;
  commit_park(true);
  if
  :: hit -> skip
  :: else ->
     do
     :: woken -> break
     :: timer_armed -> timer_armed = false;  /* its own deadline has passed: nobody else touches its timers */
        atomic { !(word & LOCKED) -> if :: !(word & WON) -> word = word | WON; widx = NS; break :: else fi }
     od
  fi
#else
  if
  :: MUT == 1 -> commit_park(!shield); if :: !hit -> atomic { running = false; off_stack = true }; running :: else fi
  :: else -> atomic { running = false; off_stack = true }; running
  fi
#endif
}

/* One wait: open, arm each source in turn, await, withdraw, return. */
inline wait() {
  atomic { word = 0; waits++; frame = waits; published = false; armed = 0; decided = false;
           for (s : 0 .. NS - 1) { slot[s] = false } s = 0;
#if SHIELD
           if :: SHUT -> shield = (got >= 2) :: !SHUT && consumed < NEVENTS - 1 -> shield = true :: !SHUT -> shield = false fi;
#endif
#if THREAD
           timer_armed = !timer_used
#endif
  };
  do
  :: armed < NS && !decided ->
     atomic { !lk[armed] -> lk[armed] = true;
       if
       :: ready[armed] == 0 || MUT == 16 -> linked[armed] = true; published = true; lk[armed] = false; armed++; goto next_arm
       :: else
       fi };
     /* Ready now: decide the own wait first, then take. */
     if
     :: !published || MUT == 15 -> atomic { assert(MUT == 15 || !(word & (WON | LOCKED))); word = WON | DONE; widx = armed; decided = true }
     :: else -> atomic { !(word & LOCKED) -> if :: !(word & WON) -> word = word | WON | DONE; widx = armed; decided = true :: else fi }
     fi;
     atomic { if :: decided -> assert(ready[armed] > 0); ready[armed]--; slot[armed] = true :: else fi; lk[armed] = false };
     decided = true;
next_arm: skip
  :: else -> break
  od;
  if :: word & DONE -> skip :: else -> park() fi;
  atomic { assert(word & WON); won = widx };
progress_won:
  do
  :: armed > 0 -> armed--;
     if :: armed != won -> atomic { !lk[armed] -> linked[armed] = false } :: else -> assert(!linked[won]) fi
  :: else -> break
  od;
  atomic {
    if
    :: won == CANCELLED -> got++; assert(SHUT || got <= requested); assert(!shield)
    :: won == NS -> assert(THREAD); timer_used = true; consumed++
    :: else -> assert(slot[won]); consumed++
    fi;
    frame = 0; shield = false; won = 0
  }
}

proctype owner() {
  byte s, armed, won, w, taken; bool published, decided, timer_armed, timer_used, hit;
#if !THREAD
  running;
#endif
  do
  :: consumed < NEVENTS || got < MUST_GET -> wait()
  :: else -> break
  od;
  atomic { over = true; running = false }
}

init {
  byte x;
  atomic {
    for (x : 0 .. NS - 1) { run source(x) }
#if VISIT
    for (x : 0 .. NS - 1) { run visitor(x) }
#endif
#if !THREAD
    runq = 1;
    for (x : 1 .. NWORK) { run worker() }
#endif
#if CANCELS
    for (x : 1 .. CANCELS) { run canceller(x - 1) }
#endif
#if SHUT
    run shutdown();
#endif
    run owner()
  }
  _nr_pr == 1;
  assert(consumed == NEVENTS && runq == 0);
  for (x : 0 .. NS - 1) { assert(!linked[x] && ready[x] == 0) }
  assert(SHUT || got + (stop == ONCE) <= requested);
  assert(!SHUT || stop == ALWAYS)
}
