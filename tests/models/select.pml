/* select.pml - select over channels: pairs, buffers, close, timeouts, cancellation.  See docs/protocol.md.

   WHAT IT MODELS
     NP parties. Party p waits K[p] times for NC cases at most: send or receive on one of NCH channels (capacity cap[c]; 0 is
     a rendezvous). A plain operation is a party with one case. A case may be a deadline: a receive from a channel that
     nobody sends on; its timer is a closer, which wins whoever waits there, at any time. A wait polls its cases (POLL=1),
     then arms them from either end, awaits, withdraws. Closers and cancellers strike at any time.
     One lock for each channel, one held at a time; one word for each party. A party with nothing published claims its peer
     by one operation; else both words are locked in address (= party) order and then settled.
     Steps: one operation on a party's word is one step, a lock's critical section one step up to the first such operation
     and one after each. Parking is a wait for `done`; how that comes about is park.pml's matter.

   WHAT IT CHECKS
     B1  a wait is decided once; exactly the case that won has happened; no other gave or took anything         (P1, P2)
     B2  every value accepted by a channel is received once or still in the buffer at the end, also at close     (P2)
     B3  no lost wake-up, no deadlock (invalid end states)                                                       (P3, P11)
     B4  nobody touches the nodes of a wait that has returned; the payload is there when it returns              (P4)
     B5  a select never pairs with itself                                                                        (P5)
     B6  values come out in the order in which they were accepted; the first live waiter is served first         (P9)
     B7  whenever a channel is unlocked: a value there => no live receiver queued; room there => no live sender queued;
         closed => nobody queued; no two live waiters that fit each other, of different parties                  (P3, P6)
     B8  all queues are empty at the end: a wait leaves nothing behind
     B9  closed is reported to a receiver only when the buffer is empty
     B10 no round without end in which nobody's wait is decided: non-progress cycles under weak fairness         (P11)

   MUTANTS (-DMUT=n; run.sh says where each must die)
      1 a pair is locked in the order self, peer                   13 close forgets the senders that wait
      2 a published party claims its peer first, then itself       14 close drops the buffer
      3 the own word is not decided when a pair commits            15 a receiver sees `closed` before it sees the buffer
      4 readiness is not looked at under the lock that links       16 close and timers decide without claiming the word
      5 a published party takes a value and claims itself after    17 a lock on the first word is left when the second is lost
      6 the own word is claimed by a store, whatever is published  18 a party that lost itself goes on to the next peer
      7 a select pairs with itself                                 19 the payload comes after finish
      8 the owner returns when decided, not waiting for done       20 a waiting sender's value is taken without a claim
      9 losers are not withdrawn                                   21 cancel decides without claiming the word
     10 a locked word is taken for decided: its node is dropped    22 the last waiter is served first
     11 a place that became free is not offered to senders         23 (live) a rival is met by claiming oneself, withdrawing
     12 a sender that waits is received from before the buffer        and trying again: the form that was rejected           */

#ifndef CFG
#define CFG 1
#endif
#ifndef MUT
#define MUT 0
#endif
#ifndef POLL
#define POLL 0
#endif

/* Configurations: sizes; then, in init, cases C(party, place, channel, direction), closers and cancellers. */
#if CFG == 1 || CFG == 2 || CFG == 6 || CFG == 9 || CFG == 13
#define NP 2
#define NC 2
#define NCH 2
#elif CFG == 3
#define NP 4
#define NC 2
#define NCH 2
#elif CFG == 4
#define NP 3
#define NC 2
#define NCH 3
#elif CFG == 5 || CFG == 8
#define NP 3
#define NC 1
#define NCH 1
#elif CFG == 7
#define NP 2
#define NC 2
#define NCH 1
#elif CFG == 10
#define NP 2
#define NC 2
#define NCH 3
#elif CFG == 11
#define NP 2
#define NC 3
#define NCH 3
#elif CFG == 12 || CFG == 15
#define NP 3
#define NC 2
#define NCH 2
#elif CFG == 14
#define NP 3
#define NC 2
#define NCH 1
#endif

#define NW (NP * NC)
#define SEND 0
#define RECV 1
#define OPEN 0
#define LOCKED 1
#define WON 2
#define DONE 3
#define NOWHERE 255
#define CANCELLED 254
#define CLOSED 255
#define live(p_) (word[p_] < WON)
#define party_of(w_) ((w_) / NC)

/* what became of a case so far (res) */
#define NONE 0       /* nothing to be had: linked, or not ready */
#define PEER 1       /* w2 of p2 might be a partner */
#define OWN 2        /* can be done alone */
#define HANDED 3     /* done together with w2 of p2, who is to be finished */
#define ALONE 4      /* done */
#define LOST 5       /* somebody else has decided this wait */
#define ROOM 6       /* done; a place in the buffer became free */
#define RETRY 7      /* mutant 23 */

/* parties */
byte word[NP]; byte sel[NP];             /* one atomic word: state, winning case */
bool parked[NP]; byte round[NP]; byte K[NP];
byte ch[NW]; byte dr[NW]; bool linked[NW];
byte got[NW];                            /* the payload: number of the value in its channel, or CLOSED */
/* channels */
typedef queue { byte a[NW]; byte n };
queue q[NCH * 2];                        /* 2c: senders of c, 2c+1: receivers */
typedef buffer { byte v[2]; byte n };
buffer b[NCH];
byte cap[NCH]; bool closed[NCH]; bool lk[NCH];
bool refusing[NCH];                      /* closed: those in its queues are the closer's, and nobody else's partners */
bool closing[NCH]; bool cancelling[NP];  /* configuration */
/* ghosts */
byte due[NW];                            /* what got[] must become */
byte accepted[NCH], delivered[NCH], sent[NCH], received[NCH];
bool alive[NP], over[NP];

inline unlink(x, w_) {
  j = 0; do :: j < q[x].n && q[x].a[j] != w_ -> j++ :: else -> break od; assert(j < q[x].n);
  do :: j + 1 < q[x].n -> q[x].a[j] = q[x].a[j + 1]; j++ :: else -> break od;
  q[x].n--; q[x].a[q[x].n] = 0; linked[w_] = false; j = 0
}
inline unlock(c_) {
  j = 0;
  do
  :: j < q[c_ * 2].n ->
     assert(!closed[c_] || refusing[c_]);
     assert(closed[c_] || !(live(party_of(q[c_ * 2].a[j])) && b[c_].n < cap[c_]));
     l = 0;
     do
     :: l < q[c_ * 2 + 1].n ->
        assert(party_of(q[c_ * 2].a[j]) == party_of(q[c_ * 2 + 1].a[l]) || !live(party_of(q[c_ * 2].a[j])) || !live(party_of(q[c_ * 2 + 1].a[l])));
        l++
     :: else -> break
     od;
     j++
  :: else -> break
  od;
  l = 0;
  do
  :: l < q[c_ * 2 + 1].n -> assert(!closed[c_] || refusing[c_]); assert(closed[c_] || !(live(party_of(q[c_ * 2 + 1].a[l])) && b[c_].n > 0)); l++
  :: else -> break
  od;
  j = 0; l = 0; lk[c_] = false
}

inline accept(w_) { accepted[c]++; due[w_] = accepted[c] }
inline push(w_) { accept(w_); assert(b[c].n < cap[c]); b[c].v[b[c].n] = due[w_]; b[c].n++ }
inline pop(w_) {
  delivered[c]++; due[w_] = b[c].v[0]; assert(due[w_] == delivered[c]);
  b[c].v[0] = b[c].v[1]; b[c].v[1] = 0; b[c].n--
}
/* w and w2 have won together: the value goes from frame to frame, after the unlock. */
inline hand_over() {
  unlink(o, w2);
  accept(w); due[w2] = due[w]; delivered[c]++; assert(accepted[c] == delivered[c]);
  mine = round[p2]; res = HANDED; unlock(c)
}

/* The next waiter of the other side that is not of this party; if there is none, what can be done alone. Lock held. */
inline next_peer() {
  do :: k < q[o].n && party_of(q[o].a[k]) == p && MUT != 7 -> k++ :: else -> break od;
  if
  :: k < q[o].n && !closed[c] -> w2 = q[o].a[(MUT == 22 -> q[o].n - 1 : k)]; p2 = party_of(w2); assert(alive[p2]); assert(MUT != 7 || p2 != p);
     /* B6: whoever is passed over is of this very party */
     j = 0; do :: q[o].a[j] != w2 -> assert(party_of(q[o].a[j]) == p); j++ :: else -> break od; j = 0;
     res = PEER
  :: else -> if :: (dr[w] == RECV -> closed[c] : b[c].n < cap[c]) -> res = OWN :: else -> res = NONE fi
  fi
}
inline drop_stale() { unlink(o, w2); next_peer() }

inline link_or_leave() {
  if :: linking -> q[c * 2 + dr[w]].a[q[c * 2 + dr[w]].n] = w; q[c * 2 + dr[w]].n++; assert(!linked[w]); linked[w] = true; published = true :: else fi;
  unlock(c)
}

inline pair() {
  lo = ((p < p2 || MUT == 1) -> p : p2); hi = ((p < p2 || MUT == 1) -> p2 : p);
  atomic { word[lo] != LOCKED || (MUT == 10 && lo == p2) ->
    if
    :: word[lo] == OPEN -> word[lo] = LOCKED; r = true
    :: else -> r = false; if :: lo == p && MUT != 18 -> res = LOST; unlock(c) :: else -> drop_stale() fi
    fi };
  if
  :: r -> atomic { word[hi] != LOCKED || (MUT == 10 && hi == p2) -> if :: word[hi] == OPEN -> word[hi] = LOCKED :: else -> r = false fi };
     if
     :: r -> atomic { word[p2] = WON; sel[p2] = w2 };
             atomic { if :: MUT == 3 -> word[p] = OPEN :: else -> word[p] = DONE; sel[p] = w fi; hand_over() }
     :: !r && MUT == 17 -> atomic { if :: hi == p -> res = LOST; unlock(c) :: else -> drop_stale() fi }
     :: !r && MUT != 17 -> word[lo] = OPEN; atomic { if :: hi == p && MUT != 18 -> res = LOST; unlock(c) :: else -> drop_stale() fi }
     fi
  :: else
  fi;
  lo = 0; hi = 0; r = false
}

/* Case w of party p, on channel c: do it if possible, else (linking) publish it. */
inline attempt() {
  atomic { !lk[c] -> lk[c] = true; k = 0; o = c * 2 + 1 - dr[w];
    if
    :: linking && MUT == 4 -> res = NONE
    :: dr[w] == RECV && closed[c] && MUT == 15 -> res = OWN
    :: dr[w] == RECV && b[c].n > 0 && MUT != 12 && !(MUT == 15 && closed[c]) -> res = OWN
    :: dr[w] == RECV && b[c].n > 0 && MUT == 12 -> next_peer(); if :: res == NONE -> res = OWN :: else fi
    :: dr[w] == SEND && closed[c] -> res = OWN
    :: else -> next_peer()
    fi;
    if :: res == NONE -> link_or_leave() :: else fi };
  do
  :: res == PEER && !published ->                                   /* nobody can win ours: one claim suffices */
     atomic { word[p2] != LOCKED || MUT == 10 ->
       if :: word[p2] == OPEN -> word[p2] = WON; sel[p2] = w2; word[p] = DONE; sel[p] = w; hand_over() :: else -> drop_stale() fi;
       if :: res == NONE -> link_or_leave() :: else fi }
  :: res == PEER && published && MUT == 2 ->
     atomic { word[p2] != LOCKED ->
       if :: word[p2] == OPEN -> word[p2] = WON; sel[p2] = w2; r = true :: else -> drop_stale() fi;
       if :: res == NONE -> link_or_leave() :: else fi };
     if :: r -> atomic { word[p] = DONE; sel[p] = w; r = false; hand_over() } :: else fi
  :: res == PEER && published && MUT == 23 ->
     atomic { word[p] != LOCKED ->
       if
       :: !live(p2) -> drop_stale(); if :: res == NONE -> link_or_leave() :: else fi
       :: live(p2) && word[p] == OPEN -> word[p] = DONE; res = RETRY; unlock(c)
       :: live(p2) && word[p] != OPEN -> res = LOST; unlock(c)
       fi }
  :: res == PEER && published && MUT != 2 && MUT != 23 ->
     pair();
     atomic { if :: res == NONE -> link_or_leave() :: else fi }
  :: else -> break
  od;
  if
  :: res == OWN ->
     atomic { !published || MUT == 5 || MUT == 6 || word[p] != LOCKED ->
       if
       :: published && MUT != 5 && MUT != 6 && word[p] != OPEN -> res = LOST; unlock(c)
       :: else ->
          if :: MUT == 5 -> skip :: else -> word[p] = DONE; sel[p] = w fi;
          res = ALONE;
          if
          :: closed[c] && (dr[w] == SEND || b[c].n == 0 || MUT == 15) -> assert(dr[w] == SEND || b[c].n == 0); due[w] = CLOSED
          :: dr[w] == RECV && b[c].n > 0 && !(closed[c] && MUT == 15) -> pop(w); if :: q[o].n > 0 && !closed[c] && MUT != 11 -> res = ROOM :: else fi
          :: dr[w] == SEND && !closed[c] -> push(w)
          fi;
          got[w] = due[w];
          if :: res == ALONE -> unlock(c) :: else fi
       fi };
     if
     :: MUT == 5 && res != LOST -> atomic { word[p] != LOCKED || !published -> if :: word[p] == OPEN -> word[p] = DONE; sel[p] = w :: else -> if :: res == ROOM -> unlock(c) :: else fi; res = LOST fi }
     :: else
     fi;
     do
     :: res == ROOM ->                                              /* the first sender that still waits moves up */
        atomic { w2 = q[o].a[0]; p2 = party_of(w2); word[p2] != LOCKED ->
          assert(alive[p2]); unlink(o, w2);
          if
          :: word[p2] == OPEN || MUT == 20 -> word[p2] = WON; sel[p2] = w2; push(w2); mine = round[p2]; res = HANDED; unlock(c)
          :: else -> if :: q[o].n == 0 -> res = ALONE; unlock(c) :: else fi
          fi }
     :: else -> break
     od
  :: else
  fi;
  if
  :: res == HANDED ->
     if :: MUT != 19 -> atomic { assert(alive[p2] && round[p2] == mine); got[w2] = due[w2]; got[w] = due[w] } :: else fi;
     atomic { assert(alive[p2] && round[p2] == mine); assert(word[p2] == WON); word[p2] = DONE };
     if :: MUT == 19 -> atomic { assert(alive[p2] && round[p2] == mine); got[w2] = due[w2]; got[w] = due[w] } :: else fi;
     mine = 0
  :: else
  fi;
  atomic { k = 0; o = 0; w2 = 0; p2 = 0 }
}

inline withdraw() {
  do
  :: n > 0 -> n--; w = p * NC + ((n + s) % NC);
     if
     :: ch[w] != NOWHERE && w != sel[p] && MUT != 9 -> c = ch[w];
        atomic { !lk[c] -> if :: linked[w] -> lk[c] = true; unlink(c * 2 + dr[w], w); unlock(c) :: else fi }
     :: else
     fi
  :: else -> break
  od
}

proctype party(byte p) {
  byte s, n, w, c, o, k, w2, p2, lo, hi, res, mine, j, l;
  bool published, linking, r;
  do
  :: round[p] < K[p] ->
     atomic { word[p] = OPEN; sel[p] = NOWHERE; alive[p] = true };
again:
     if :: s = 0 :: NC > 1 -> s = NC - 1 fi;                        /* from either end */
     n = (POLL -> 0 : NC); res = NONE;                              /* poll all, then arm all, until one is done or lost */
     do
     :: n < 2 * NC && res == NONE -> w = p * NC + ((n + s) % NC); linking = (n >= NC); n++;
        if :: ch[w] != NOWHERE -> c = ch[w]; attempt() :: else fi
     :: else -> break
     od;
     n = (n > NC -> n - NC : 0);
     if
     :: res == RETRY -> withdraw(); atomic { word[p] = OPEN; published = false; linking = false; res = NONE }; goto again
     :: else
     fi;
     parked[p] = true;
     atomic { word[p] == DONE || (MUT == 8 && word[p] == WON) -> parked[p] = false; w = sel[p] };
progress_won:
     withdraw();
     atomic {                                                       /* return: B1, B2, B4 */
       w = sel[p]; word[p] = DONE;
       for (j : p * NC .. p * NC + NC - 1) {
         assert(!linked[j]);
         assert(got[j] == due[j] && (got[j] != 0) == (j == w));
         if
         :: got[j] != 0 && got[j] != CLOSED -> if :: dr[j] == SEND -> sent[ch[j]]++ :: else -> received[ch[j]]++ fi
         :: else
         fi;
         got[j] = 0; due[j] = 0
       }
       j = 0; w = 0; c = 0; s = 0; n = 0; res = NONE; published = false; linking = false;
       alive[p] = false; round[p]++
     }
  :: else -> break
  od;
  over[p] = true
}

/* Closes a channel, or fires a timer: takes all who wait there to itself. Then, part by part: locks, claims some, unlocks, finishes
   them; here a part is one. */
proctype closer(byte c) {
  byte w2, p2, o, j, l; bool claimed;
  atomic { !lk[c] -> lk[c] = true; closed[c] = true; refusing[c] = true; if :: MUT == 14 -> b[c].n = 0 :: else fi; unlock(c) };
  do
  :: atomic { !lk[c] && q[c * 2 + 1].n + (MUT == 13 -> 0 : q[c * 2].n) > 0 -> lk[c] = true;
       o = (q[c * 2 + 1].n > 0 -> c * 2 + 1 : c * 2); w2 = q[o].a[0]; p2 = party_of(w2) };
     atomic { word[p2] != LOCKED || MUT == 16 ->
       assert(alive[p2]); unlink(o, w2);
       if
       :: word[p2] == OPEN || MUT == 16 -> word[p2] = WON; sel[p2] = w2; due[w2] = CLOSED; claimed = true
       :: else
       fi;
       unlock(c) };
     if
     :: claimed ->
        atomic { assert(alive[p2] && sel[p2] == w2); got[w2] = CLOSED };
        atomic { assert(word[p2] == WON); word[p2] = DONE; claimed = false }
     :: else
     fi
  :: atomic { !lk[c] && q[c * 2 + 1].n + (MUT == 13 -> 0 : q[c * 2].n) == 0 ->
       refusing[c] = false; if :: MUT == 13 :: else -> lk[c] = true; unlock(c) fi; break }
  od
}

proctype canceller(byte p) {
  if
  :: atomic { parked[p] && (word[p] == OPEN || (MUT == 21 && word[p] != DONE)) -> word[p] = DONE; sel[p] = CANCELLED }
  :: over[p]
  fi
}

#define C(p_, i_, c_, d_) ch[p_ * NC + i_] = c_; dr[p_ * NC + i_] = d_
init {
  byte x;
  atomic {
    for (x : 0 .. NP - 1) { K[x] = 1; word[x] = DONE }
    for (x : 0 .. NW - 1) { ch[x] = NOWHERE }
#if CFG == 1                                 /* two opposed selects */
    C(0,0,0,SEND); C(0,1,1,RECV); C(1,0,0,RECV); C(1,1,1,SEND);
#elif CFG == 2                               /* {send c, recv c} against itself, and another like it */
    C(0,0,0,SEND); C(0,1,0,RECV); C(1,0,0,SEND); C(1,1,0,RECV);
#elif CFG == 3                               /* two opposed selects, a plain sender, a plain receiver */
    C(0,0,0,SEND); C(0,1,1,RECV); C(1,0,0,RECV); C(1,1,1,SEND); C(2,0,0,SEND); C(3,0,0,RECV);
#elif CFG == 4                               /* a cycle of three; who is left over is released by close */
    C(0,0,0,SEND); C(0,1,2,RECV); C(1,0,0,RECV); C(1,1,1,SEND); C(2,0,1,RECV); C(2,1,2,SEND); closing[2] = true; closing[0] = true;
#elif CFG == 5                               /* buffer of one, two senders, one receiver */
    cap[0] = 1; C(0,0,0,SEND); C(1,0,0,SEND); C(2,0,0,RECV); K[0] = 2; K[1] = 2; K[2] = 3;
#elif CFG == 6                               /* two opposed selects over buffers of one, two rounds */
    cap[0] = 1; cap[1] = 1; C(0,0,0,SEND); C(0,1,1,RECV); C(1,0,0,RECV); C(1,1,1,SEND); K[0] = 2; K[1] = 2;
#elif CFG == 7                               /* buffer of one: {send c, recv c} twice, two rounds */
    cap[0] = 1; C(0,0,0,SEND); C(0,1,0,RECV); C(1,0,0,SEND); C(1,1,0,RECV); K[0] = 2; K[1] = 2;
#elif CFG == 8                               /* close of a buffer: senders, a receiver that drains */
    cap[0] = 1; C(0,0,0,SEND); C(1,0,0,SEND); C(2,0,0,RECV); K[0] = 2; K[1] = 1; K[2] = 4; closing[0] = true;
#elif CFG == 9                               /* close of one channel under two opposed selects, then again */
    C(0,0,0,SEND); C(0,1,1,RECV); C(1,0,0,RECV); C(1,1,1,SEND); closing[0] = true; K[0] = 2; K[1] = 2;
#elif CFG == 10                              /* a send and a receive, each with a deadline */
    C(0,0,0,SEND); C(0,1,1,RECV); C(1,0,0,RECV); C(1,1,2,RECV); closing[1] = true; closing[2] = true;
#elif CFG == 11                              /* two opposed selects, one with a deadline, one channel with a buffer */
    cap[1] = 1; C(0,0,0,SEND); C(0,1,1,RECV); C(0,2,2,RECV); C(1,0,0,RECV); C(1,1,1,SEND); closing[2] = true;
#elif CFG == 12                              /* cancel: two opposed selects and a third, all may be cancelled */
    C(0,0,0,SEND); C(0,1,1,RECV); C(1,0,0,RECV); C(1,1,1,SEND); C(2,0,0,SEND); C(2,1,1,SEND);
    cancelling[0] = true; cancelling[1] = true; cancelling[2] = true;
#elif CFG == 13                              /* close, cancel, buffer, two rounds */
    cap[0] = 1; C(0,0,0,SEND); C(0,1,1,RECV); C(1,0,0,RECV); C(1,1,1,SEND); closing[0] = true; K[0] = 2; K[1] = 2; cancelling[0] = true;
#elif CFG == 14                              /* three times {send c, recv c}, then close */
    for (x : 0 .. NP - 1) { C(x,0,0,SEND); C(x,1,0,RECV) }
    closing[0] = true;
#elif CFG == 15                              /* two selects that send, buffered, and a receiver from both, two rounds; then close */
    cap[0] = 1; C(0,0,0,SEND); C(0,1,1,SEND); C(1,0,0,SEND); C(1,1,1,SEND); C(2,0,0,RECV); C(2,1,1,RECV); K[2] = 2; closing[0] = true; closing[1] = true;
#endif
    for (x : 0 .. NCH - 1) { if :: closing[x] -> run closer(x) :: else fi }
    for (x : 0 .. NP - 1) { run party(x); if :: cancelling[x] -> run canceller(x) :: else fi }
  }
  _nr_pr == 1;
  for (x : 0 .. NCH - 1) {
    assert(q[x * 2].n == 0 && q[x * 2 + 1].n == 0);
    assert(sent[x] == accepted[x] && received[x] == delivered[x] && accepted[x] == delivered[x] + b[x].n)
  }
}
