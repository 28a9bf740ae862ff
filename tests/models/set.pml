/* set.pml - proxies: events armed on a waiter that stands for another, and sets, whose events stay armed between waits.
   See docs/protocol.md.

   WHAT IT MODELS
     Parties and channels as in select.pml, and NX proxies. An event belongs to a party, or to a proxy, which belongs to a
     party or to another proxy. A set is a proxy that keeps its events linked between waits, and a ready list of those to be
     looked at; a choose (keep = false) withdraws all after each wait. Party p waits K[p] times, in wait r for those of its
     events and proxies whose mask has bit r.
     Arming a set: attach first; then take one member after the other from the ready list and arm it. missed() puts a member
     on that list when a claim finds nobody attached, or the root decided. A wait that is over is detached; a member that
     has won goes to the end of the list, one whose arm was refused to its front; all others stay linked.
     Polling (POLL=1): once through the ready list, with nobody attached.
     One lock for each channel; one for each proxy, taken under the channel's, inner proxy before outer, and words claimed
     under it without waiting; one word for each party. Steps as in select.pml. A proxy's critical section is one step, its
     locks included; with FINE=1 each lock is taken in a step of its own.

   WHAT IT CHECKS
     B1..B5, B8, B10 of select.pml, and
     B7  whenever a channel is unlocked: a value there => no receiver queued; room => no sender; closed => nobody; no two that
         fit each other and belong to different parties, unless one is of a party itself and decided               (P3, P6)
     X1  who claims through a proxy touches the root that waits now; who has won through it finds the same root when it
         finishes, and the chain has noted who it was
     X2  a member is linked once, is on its ready list once, and is told of nothing once it is removed

   MUTANTS (-DMUT=n; run.sh says where each must die)
      1 missed() is not recorded when nobody is attached         12 a wait detaches when it is decided, not when settled
      2 missed() is not recorded when the root is decided        13 a send into a buffer leaves own receivers linked that it
      3 a set is attached when its ready list is empty, not         has passed over
        before                                                   14 remove: off the ready list, then withdrawn
      4 the root is not compared again when its word is locked   15 attach does not publish the wait
      5 a pair keeps a proxy locked while it waits for words     16 a proxy that is attached is attached again
      6 an own event is not passed over                          17 a member that has won is not put back
      7 the winner is noted for another member                   18 a locked word is taken for decided
      8 a lost wait is not detached                              19 the outer proxy is not told what the inner one missed
      9 a member whose arm was refused is not put back           20 missed() puts a proxy on the list that is there already
     10 a member is put back though it is linked                 21 the winner is noted in the inner proxy only
     11 (live) a pair is locked in the order self, peer          22 a choose whose arm was refused withdraws, winner or not */

#ifndef CFG
#define CFG 1
#endif
#include "mutant.pml"
#ifndef POLL
#define POLL 0
#endif
#ifndef FINE
#define FINE 0
#endif

/* Configurations. E(event, of whom, channel, direction); P(party), S(proxy): of whom; X(proxy, of whom, keep). */
#if CFG == 1                                  /* opposed sets, two rounds */
#define NP 2
#define NX 2
#define NW 4
#define NCH 2
#define SETUP X(0,P(0),1); X(1,P(1),1); K[0] = 2; K[1] = 2; \
  E(0,S(0),0,SEND); E(1,S(0),1,RECV); E(2,S(1),0,RECV); E(3,S(1),1,SEND)
#elif CFG == 2                                /* a set beside a plain case, then that case alone, then both; a select that sends */
#define NP 2
#define NX 1
#define NW 4
#define NCH 2
#define SETUP X(0,P(0),1); mask[NW] = 5; K[0] = 3; K[1] = 3; \
  E(0,S(0),0,RECV); E(1,P(0),1,RECV); E(2,P(1),0,SEND); E(3,P(1),1,SEND)
#elif CFG == 3                                /* two sets in one select, against a select, two rounds */
#define NP 2
#define NX 2
#define NW 4
#define NCH 2
#define SETUP X(0,P(0),1); X(1,P(0),1); K[0] = 2; K[1] = 2; \
  E(0,S(0),0,RECV); E(1,S(1),1,SEND); E(2,P(1),0,SEND); E(3,P(1),1,RECV)
#elif CFG == 4                                /* a set beside a plain case, twice, opposed; two rounds */
#define NP 2
#define NX 2
#define NW 4
#define NCH 2
#define SETUP X(0,P(0),1); X(1,P(1),1); K[0] = 2; K[1] = 2; \
  E(0,S(0),0,SEND); E(1,P(0),1,RECV); E(2,S(1),0,RECV); E(3,P(1),1,SEND)
#elif CFG == 5                                /* a set {send c, recv c}, which must not meet itself, and a select like it, two rounds */
#define NP 2
#define NX 1
#define NW 4
#define NCH 1
#define SETUP X(0,P(0),1); K[0] = 2; K[1] = 2; \
  E(0,S(0),0,SEND); E(1,S(0),0,RECV); E(2,P(1),0,SEND); E(3,P(1),0,RECV)
#elif CFG == 6                                /* buffer of one: a set {send c, recv c} alone, twice {fill, empty} */
#define NP 1
#define NX 1
#define NW 2
#define NCH 1
#define SETUP cap[0] = 1; X(0,P(0),1); K[0] = 4; E(0,S(0),0,RECV); E(1,S(0),0,SEND)
#elif CFG == 7                                /* buffer of one: a set {send c, recv c} beside a select like it, two rounds */
#define NP 2
#define NX 1
#define NW 4
#define NCH 1
#define SETUP cap[0] = 1; X(0,P(0),1); K[0] = 2; K[1] = 2; \
  E(0,S(0),0,SEND); E(1,S(0),0,RECV); E(2,P(1),0,SEND); E(3,P(1),0,RECV)
#elif CFG == 8                                /* close under opposed sets, two rounds */
#define NP 2
#define NX 2
#define NW 4
#define NCH 2
#define SETUP X(0,P(0),1); X(1,P(1),1); K[0] = 2; closing[0] = true; \
  E(0,S(0),0,SEND); E(1,S(0),1,RECV); E(2,S(1),0,RECV); E(3,S(1),1,SEND)
#elif CFG == 9                                /* a set and a plain partner, both may be cancelled, two rounds */
#define NP 2
#define NX 1
#define NW 3
#define NCH 2
#define SETUP X(0,P(0),1); K[0] = 2; K[1] = 2; cancelling[0] = true; cancelling[1] = true; \
  E(0,S(0),0,SEND); E(1,S(0),1,SEND); E(2,P(1),0,RECV)
#elif CFG == 10                               /* opposed sets over buffers of one, two rounds */
#define NP 2
#define NX 2
#define NW 4
#define NCH 2
#define SETUP cap[0] = 1; cap[1] = 1; X(0,P(0),1); X(1,P(1),1); K[0] = 2; K[1] = 2; \
  E(0,S(0),0,SEND); E(1,S(0),1,RECV); E(2,S(1),0,RECV); E(3,S(1),1,SEND)
#elif CFG == 11                               /* a member is removed between rounds */
#define NP 2
#define NX 1
#define NW 4
#define NCH 2
#define SETUP X(0,P(0),1); K[0] = 2; K[1] = 2; quit[1] = 1; \
  E(0,S(0),0,RECV); E(1,S(0),1,RECV); E(2,P(1),0,SEND); E(3,P(1),1,SEND)
#elif CFG == 12                               /* a set in a set, against a select, two rounds */
#define NP 2
#define NX 2
#define NW 5
#define NCH 3
#define SETUP X(0,P(0),1); X(1,S(0),1); K[0] = 2; K[1] = 2; \
  E(0,S(1),0,RECV); E(1,S(1),1,RECV); E(2,S(0),2,SEND); E(3,P(1),0,SEND); E(4,P(1),1,SEND)
#elif CFG == 13                               /* a set that is handed to another party while a select sends to it; cancel */
#define NP 3
#define NX 1
#define NW 3
#define NCH 2
#define SETUP X(0,P(0),1); heir[0] = 1; after[1] = 0; \
  for (x : 0 .. NP - 1) { cancelling[x] = true } \
  E(0,S(0),0,RECV); E(1,P(2),1,RECV); E(2,P(2),0,SEND)
#elif CFG == 14                               /* opposed: a choose in a set, and a choose; a buffer of one */
#define NP 2
#define NX 3
#define NW 4
#define NCH 2
#define SETUP cap[1] = 1; X(0,P(0),1); X(1,S(0),0); X(2,P(1),0); K[0] = 2; K[1] = 2; \
  E(0,S(1),0,SEND); E(1,S(1),1,RECV); E(2,S(2),0,RECV); E(3,S(2),1,SEND)
#elif CFG == 16                               /* a set that receives from a sender by turns: one member, the other, the first */
#define NP 2
#define NX 1
#define NW 4
#define NCH 2
#define SETUP X(0,P(0),1); K[0] = 3; K[1] = 3; mask[2] = 5; mask[3] = 2; \
  E(0,S(0),0,RECV); E(1,S(0),1,RECV); E(2,P(1),0,SEND); E(3,P(1),1,SEND)
#elif CFG == 17                               /* the same with a set in the set: a member of the outer, then of the inner ones */
#define NP 2
#define NX 2
#define NW 6
#define NCH 3
#define SETUP X(0,P(0),1); X(1,S(0),1); K[0] = 3; K[1] = 3; mask[3] = 6; mask[4] = 6; mask[5] = 1; \
  E(0,S(1),0,RECV); E(1,S(1),1,RECV); E(2,S(0),2,RECV); E(3,P(1),0,SEND); E(4,P(1),1,SEND); E(5,P(1),2,SEND)
#elif CFG == 15                               /* a set, and a select that a third channel may decide; close of that, and of a member */
#define NP 2
#define NX 1
#define NW 4
#define NCH 3
#define SETUP X(0,P(0),1); closing[1] = true; closing[2] = true; \
  E(0,S(0),0,RECV); E(1,S(0),1,RECV); E(2,P(1),0,SEND); E(3,P(1),2,RECV)
#endif

#define NE (NW + NX)                     /* an entry of a ready list, a winner: an event, or NW + a proxy */
#define P(p_) (p_)                       /* a waiter: a party, or NP + a proxy */
#define S(x_) (NP + (x_))
#define NOBODY 255
#define SEND 0
#define RECV 1
#define CLOSED 255
#define CANCELLED 254
#define OPEN 0
#define LOCKED 1
#define WON 2
#define DONE 3

/* what became of an event so far (res) */
#define NONE 0       /* nothing to be had: linked, or not ready */
#define PEER 1       /* w2 might be a partner */
#define OWN 2        /* can be done alone */
#define HANDED 3     /* done together with w2 of p2, who is to be finished */
#define ALONE 4      /* done */
#define LOST 5       /* somebody else has decided this wait */
#define ROOM 6       /* done with the buffer: the other side's queue is to be looked at */
/* what a claim says (ans) */
#define TAKEN 0
#define GONE 1
#define BUSY 2

typedef list { byte a[NE]; byte n };
/* parties */
byte word[NP]; byte sel[NP];             /* one atomic word: state, winning entry */
bool parked[NP]; byte round[NP];
/* events and proxies */
byte up[NE]; bool linked[NW];
byte got[NW];                            /* the payload: number of the value in its channel, or CLOSED */
bool plk[NX]; byte target[NX]; list ready[NX]; byte win[NX]; byte unarmed[NX];
/* channels */
list q[NCH * 2];                         /* 2c: senders of c, 2c+1: receivers */
typedef buffer { byte v[2]; byte n };
buffer b[NCH];
bool closed[NCH]; bool lk[NCH];
bool refusing[NCH];                      /* closed: those in its queues are the closer's, and nobody else's partners */
/* configuration: constant, so reading it is no step that others could see (local) */
local byte K[NP]; local byte heir[NP]; local byte after[NP]; local bool cancelling[NP];
local byte mask[NE]; local byte ch[NW]; local byte dr[NW]; local byte quit[NW]; local bool keep[NX];
local byte cap[NCH]; local bool closing[NCH];
/* ghosts */
byte due[NW];                            /* what got[] must become */
byte accepted[NCH], delivered[NCH], sent[NCH], received[NCH];
bool alive[NP], over[NP], gone[NW];

#define above(e_) (up[e_] < NP -> up[e_] : up[NW + up[e_] - NP])
#define party_of(e_) (above(e_) < NP -> above(e_) : up[NW + above(e_) - NP])
#define decided(e_) (up[e_] < NP && word[up[e_] % NP] >= WON)   /* of a party itself, and stale */
#if FINE
#define STEP }; atomic {
#else
#define STEP
#endif

inline find(l_, e_) { j = 0; do :: j < l_.n && l_.a[j] != e_ -> j++ :: else -> break od }
inline erase(l_, e_) {
  find(l_, e_);
  if
  :: j < l_.n -> do :: j + 1 < l_.n -> l_.a[j] = l_.a[j + 1]; j++ :: else -> break od; l_.n--; l_.a[l_.n] = 0
  :: else
  fi;
  j = 0
}
inline append(l_, e_) { l_.a[l_.n] = e_; l_.n++ }
inline append_once(l_, e_) { find(l_, e_); if :: j == l_.n -> append(l_, e_) :: else fi; j = 0 }
inline prepend_once(l_, e_) {
  find(l_, e_);
  if :: j == l_.n -> do :: j > 0 -> l_.a[j] = l_.a[j - 1]; j-- :: else -> break od; l_.a[0] = e_; l_.n++ :: else fi;
  j = 0
}

inline unlink(x_, w_) { assert(linked[w_]); erase(q[x_], w_); linked[w_] = false }
inline unlock(c_) {
  j = 0;
  do
  :: j < q[c_ * 2].n ->
     assert(closed[c_] -> refusing[c_] : b[c_].n == cap[c_]);
     l = 0;
     do
     :: l < q[c_ * 2 + 1].n ->
        assert(party_of(q[c_ * 2].a[j]) == party_of(q[c_ * 2 + 1].a[l]) || decided(q[c_ * 2].a[j]) || decided(q[c_ * 2 + 1].a[l]));
        l++
     :: else -> break
     od;
     j++
  :: else -> break
  od;
  assert(q[c_ * 2 + 1].n == 0 || (closed[c_] -> refusing[c_] : b[c_].n == 0));
  j = 0; l = 0; lk[c_] = false
}

/* ---- Proxies */

/* missed(): proxy x_, which is locked, is told of its entry e_. Only a proxy can be there already: it has many events. */
inline missed(x_, e_) {
  if :: e_ < NW -> assert(!gone[e_ % NW]) :: else fi;
  find(ready[x_], e_);
  if :: j == ready[x_].n || MUT == 20 -> assert(j == ready[x_].n); append(ready[x_], e_) :: else -> assert(e_ >= NW) fi;
  j = 0
}

/* The root's index, and each proxy's own note of who it was. */
inline note(e_) {
  l = e_;
  do
  :: up[l] >= NP -> if :: MUT == 21 && l != e_ :: else -> win[up[l] - NP] = (MUT == 7 && l < NW && l > 0 -> l - 1 : l) fi; l = NW + up[l] - NP
  :: else -> break
  od;
  sel[up[l]] = l; l = 0
}

/* Asks e_'s root through its proxies, innermost first. bits_: 0 whether it can still be won, LOCKED, WON. */
inline ask_root(e_, bits_, expected_) {
  atomic { cx = up[e_] - NP; !plk[cx]; plk[cx] = true; t = target[cx]; cy = NOBODY;
    STEP
    if :: t >= NP && t != NOBODY -> cy = t - NP; !plk[cy]; plk[cy] = true; t = target[cy] :: else fi;
    STEP
    if
    :: t == NOBODY -> ans = GONE
    :: t != NOBODY && expected_ != NOBODY && t != expected_ && MUT != 4 -> ans = BUSY
    :: else -> assert(t < NP && alive[t] && t == party_of(e_));
       if
       :: word[t] >= WON || (MUT == 18 && word[t] == LOCKED) -> ans = GONE
       :: word[t] == LOCKED && bits_ != 0 && MUT != 18 -> ans = BUSY
       :: else -> ans = TAKEN;
          if :: bits_ != 0 -> word[t] = bits_; if :: bits_ == WON -> note(e_) :: else fi :: else fi
       fi
    fi;
    if
    :: ans == GONE && !(MUT == 1 && t == NOBODY) && !(MUT == 2 && t != NOBODY) ->
       if :: cy != NOBODY && MUT != 19 -> missed(cy, NW + cx) :: else fi;
       missed(cx, e_)
    :: else
    fi;
    if :: expected_ == NOBODY -> p2 = t :: else fi;
    if :: cy != NOBODY -> plk[cy] = false :: else fi;
    plk[cx] = false; cx = 0; cy = 0; t = 0
  }
}
/* Claims the wait of w2, linked or just unlinked: TAKEN or GONE. */
inline try_win() {
  do
  :: up2 < NP ->
     atomic { p2 = up2; word[p2] != LOCKED -> assert(alive[p2]);
       if :: word[p2] == OPEN -> word[p2] = WON; note(w2); ans = TAKEN :: else -> ans = GONE fi; break }
  :: else -> ask_root(w2, WON, NOBODY);
     if :: ans == BUSY -> word[p2] != LOCKED :: else -> break fi
  od
}
/* The winner's last act for w2; it finds the root through the proxies. */
inline finish_step(payload_) {
  t = up[w2];
  do :: t >= NP -> assert(t != NOBODY); t = target[t - NP] :: else -> break od;
  assert(t == p2 && alive[p2] && round[p2] == mine && word[p2] == WON); t = 0;
  if :: payload_ -> got[w2] = due[w2] :: else -> word[p2] = DONE fi
}

/* ---- An event at its channel */

inline accept(w_) { accepted[c]++; due[w_] = accepted[c] }
inline push(w_) { accept(w_); assert(b[c].n < cap[c]); b[c].v[b[c].n] = due[w_]; b[c].n++ }
inline pop(w_) {
  delivered[c]++; due[w_] = b[c].v[0]; assert(due[w_] == delivered[c]);
  b[c].v[0] = b[c].v[1]; b[c].v[1] = 0; b[c].n--
}
/* w and w2 have won together: the value goes from frame to frame, after the unlock. */
inline hand_over() {
  unlink(o, w2);
  if :: dr[w] == SEND -> accept(w); due[w2] = due[w] :: else -> accept(w2); due[w] = due[w2] fi;
  delivered[c]++; assert(accepted[c] == delivered[c]);
  mine = round[p2]; res = HANDED; unlock(c)
}

/* The next waiter of the other side; if there is none, what can be done alone. Lock held. */
inline next_peer() {
  if
  :: k < q[o].n && !closed[c] -> w2 = q[o].a[k]; up2 = up[w2];
     j = 0; do :: j < k -> assert(party_of(q[o].a[j]) == p); j++ :: else -> break od; j = 0;
     res = PEER
  :: else -> if :: (dr[w] == RECV -> closed[c] : b[c].n < cap[c]) -> res = OWN :: else -> res = NONE fi
  fi
}
inline link_or_leave() {
  if :: linking -> append(q[c * 2 + dr[w]], w); assert(!linked[w]); linked[w] = true; published = true :: else fi;
  unlock(c)
}
inline drop_stale() { unlink(o, w2); next_peer(); if :: res == NONE -> link_or_leave() :: else fi }

/* A published wait and w2: both or neither. res stays PEER if it is to be tried again. */
inline pair() {
  if :: up2 >= NP -> ask_root(w2, 0, NOBODY) :: else -> p2 = up2; ans = TAKEN fi;
  if
  :: ans == GONE -> atomic { drop_stale() }
  :: ans != GONE && p2 == p && MUT != 6 -> atomic { k++; next_peer(); if :: res == NONE -> link_or_leave() :: else fi }
  :: else ->
     if :: MUT == 5 && up2 >= NP -> atomic { u = up2 - NP + 1; !plk[u - 1]; plk[u - 1] = true } :: else fi;
     if
     :: p < p2 || MUT == 11 ->
        atomic { word[p] != LOCKED || r -> if :: r :: !r && word[p] == OPEN -> word[p] = LOCKED; r = true :: else -> res = LOST; unlock(c) fi }
     :: else
     fi;
     if
     :: res == LOST
     :: res != LOST && up2 >= NP && MUT != 5 -> ask_root(w2, LOCKED, p2)
     :: res != LOST && (up2 < NP || MUT == 5) ->
        atomic { word[p2] != LOCKED -> assert(alive[p2]); if :: word[p2] == OPEN -> word[p2] = LOCKED; ans = TAKEN :: else -> ans = GONE fi }
     fi;
     if
     :: res == LOST
     :: res != LOST && ans != TAKEN ->
        if :: r -> word[p] = OPEN; r = false :: else fi;
        if :: ans == GONE -> atomic { drop_stale() } :: else -> word[p2] != LOCKED fi
     :: res != LOST && ans == TAKEN ->
        if :: !r -> atomic { word[p] != LOCKED -> if :: word[p] == OPEN -> word[p] = LOCKED; r = true :: else fi } :: else fi;
        if :: MUT == 5 && up[w] >= NP -> !plk[up[w] - NP] :: else fi;
        if
        :: r -> atomic { assert(word[p2] == LOCKED); word[p2] = WON; note(w2) };
                atomic { assert(word[p] == LOCKED); word[p] = DONE; note(w); r = false; hand_over() }
        :: else -> word[p2] = OPEN; atomic { res = LOST; unlock(c) }
        fi
     fi;
     if :: u > 0 -> plk[u - 1] = false; u = 0 :: else fi
  fi
}

/* Event w of party p, on channel c: do it if possible, else (linking) publish it. */
inline attempt() {
  atomic { !lk[c] -> lk[c] = true; k = 0; o = c * 2 + 1 - dr[w];
    if
    :: dr[w] == RECV && b[c].n > 0 -> res = OWN
    :: dr[w] == SEND && closed[c] -> res = OWN
    :: else -> next_peer()
    fi;
    if :: res == NONE -> link_or_leave() :: else fi };
  do
  :: res == PEER && !published -> try_win();                        /* nobody can win ours: one claim suffices */
     atomic { if :: ans == TAKEN -> word[p] = DONE; note(w); hand_over() :: else -> drop_stale() fi }
  :: res == PEER && published -> pair()
  :: else -> break
  od;
  if
  :: res == OWN ->
     atomic { !published || word[p] != LOCKED ->
       if
       :: published && word[p] != OPEN -> res = LOST; unlock(c)
       :: else -> word[p] = DONE; note(w);
          res = ALONE;
          if
          :: closed[c] && (dr[w] == SEND || b[c].n == 0) -> due[w] = CLOSED
          :: dr[w] == RECV && b[c].n > 0 -> pop(w); if :: q[o].n > 0 && !closed[c] -> res = ROOM :: else fi
          :: dr[w] == SEND && !closed[c] -> push(w); if :: q[o].n > 0 && MUT != 13 -> res = ROOM :: else fi
          fi;
          got[w] = due[w];
          if :: res == ALONE -> unlock(c) :: else fi
       fi };
     do
     :: res == ROOM ->      /* the first sender that still waits moves up; receivers were all passed over: their wait is over */
        atomic { w2 = q[o].a[0]; up2 = up[w2]; unlink(o, w2) };
        try_win();
        atomic {
          if
          :: ans == TAKEN -> assert(dr[w] == RECV); push(w2); mine = round[p2]; res = HANDED; unlock(c)
          :: else -> if :: q[o].n == 0 -> res = ALONE; unlock(c) :: else fi
          fi }
     :: else -> break
     od
  :: else
  fi;
  if
  :: res == HANDED -> atomic { finish_step(true); got[w] = due[w] }; atomic { finish_step(false) }
  :: else
  fi;
  atomic { k = 0; o = 0; w2 = 0; up2 = 0; p2 = 0; ans = 0; mine = 0 }
}

inline disarm(w_) {
  c = ch[w_];
  atomic { !lk[c] -> if :: linked[w_] -> lk[c] = true; unlink(c * 2 + dr[w_], w_); unlock(c) :: else fi }
}
inline take_off(x_, e_) { atomic { !plk[x_]; erase(ready[x_], e_) } }
inline remove(w_) {                      /* withdrawn first: then nobody tells of it any more */
  if :: MUT == 14 -> take_off(up[w_] - NP, w_) :: else fi;
  disarm(w_);
  if :: MUT != 14 -> take_off(up[w_] - NP, w_) :: else fi;
  gone[w_] = true
}

#define next_event(wanted_) do :: w < NW && !(wanted_) -> w++ :: else -> break od
/* The wait is over for proxy z: nobody reaches it any more, and who was not armed is looked at first in the next one. */
inline settle(z) {
  atomic { !plk[z]; target[z] = NOBODY; e = (unarmed[z] == win[z] || MUT == 9 -> NOBODY : unarmed[z]); unarmed[z] = NOBODY };
  if :: e != NOBODY -> atomic { !plk[z]; prepend_once(ready[z], e); e = 0 } :: else fi
}
inline withdraw_all(z) {                 /* a choose */
  w = 0;
  do
  :: atomic { next_event(up[w] == NP + z) }; if :: w < NW -> disarm(w); w++ :: else -> break fi
  od;
  atomic { !plk[z]; ready[z].n = 0; for (w : 0 .. NW - 1) { if :: up[w] == NP + z -> append(ready[z], w) :: else fi } w = NOBODY }
}
/* The arm of a choose was refused: it withdraws at once, unless it has won, and its winner may still come through it. */
inline give_up(z) {
  atomic { !plk[z]; r = (win[z] == NOBODY || MUT == 22) };
  if :: r -> withdraw_all(z); atomic { !plk[z]; target[z] = NOBODY; r = false } :: else fi
}
inline settle_inner(e_) {                /* a proxy that is a member, and has won or was refused */
  y = e_ - NW;
  settle(y);
  if
  :: !keep[y] -> withdraw_all(y)
  :: keep[y] && e_ == m -> atomic { !plk[y]; append_once(ready[y], win[y]) }
  :: else
  fi;
  y = NOBODY
}

proctype party(byte p) {
  byte n, w = NOBODY, e, x = NOBODY, y = NOBODY, u, m, c, o, k, w2, up2, p2, t, cx, cy, ans, res, mine, j, l, tries;
  bool published, linking, down, fresh, r;
  if :: after[p] != NOBODY -> over[after[p]] :: else fi;
  do
  :: round[p] < K[p] ->
     atomic { word[p] = OPEN; sel[p] = NOBODY; alive[p] = true; linking = !POLL };
     if :: down = false :: down = true fi;                          /* from either end */
     do
     :: res == NONE ->
        atomic { w = NOBODY;                                        /* what is next */
          if
          :: fresh -> fresh = false;
             if
             :: !linking || (MUT == 3 && y == NOBODY && !r)
             :: r -> !plk[x]; target[x] = p; win[x] = NOBODY; published = true; r = false; x = NOBODY
             :: linking && y != NOBODY -> if :: target[y] == NOBODY || MUT == 16 -> !plk[y]; target[y] = NP + x; win[y] = NOBODY :: else fi
             :: else -> !plk[x]; if :: target[x] == NOBODY || MUT != 8 -> target[x] = p; win[x] = NOBODY :: else fi; published = (MUT != 15)
             fi
          :: !fresh && y != NOBODY -> !plk[y];
             if :: ready[y].n > 0 -> w = ready[y].a[0]; erase(ready[y], w) :: else -> y = NOBODY fi
          :: !fresh && y == NOBODY && x != NOBODY -> !plk[x];
             if
             :: ready[x].n > 0 && (linking || tries > 0) -> w = ready[x].a[0]; erase(ready[x], w);
                if :: w >= NW -> assert(linking); y = w - NW; w = NOBODY; fresh = true :: else fi;
                if :: tries > 0 -> tries-- :: else fi
             :: else -> if :: MUT == 3 && linking -> fresh = true; r = true :: else -> x = NOBODY fi
             fi
          :: else ->
             do
             :: n < NE -> e = (down -> NE - 1 - n : n); n++;
                if :: up[e] == p && mask[e] >> round[p] & 1 -> break :: else fi
             :: n == NE && !linking -> n = 0; linking = true
             :: n == NE && linking -> e = NOBODY; break
             od;
             if
             :: e == NOBODY -> break
             :: e < NW -> w = e
             :: else -> x = e - NW; fresh = true; tries = (linking -> 0 : ready[x].n)
             fi;
             e = 0
          fi };
        if
        :: w != NOBODY -> c = ch[w]; attempt();
           atomic {
             if
             :: up[w] >= NP && !linking -> !plk[x]; append_once(ready[x], w)
             :: up[w] >= NP && linking && (res == LOST || (MUT == 10 && res == NONE && word[p] >= WON)) ->
                unarmed[up[w] - NP] = w; if :: y != NOBODY -> unarmed[x] = NW + y :: else fi
             :: else
             fi;
             w = NOBODY; c = 0 }
        :: else
        fi
     :: else -> break
     od;
     if :: res == LOST && y != NOBODY && !keep[y] -> give_up(y) :: else fi;
     if :: res == LOST && x != NOBODY && !keep[x] -> give_up(x) :: else fi;
     atomic { n = 0; x = NOBODY; y = NOBODY; e = 0; fresh = false; tries = 0; parked[p] = true };
     atomic { word[p] == DONE || (MUT == 12 && word[p] == WON) -> parked[p] = false };
progress_won:
     do                                                             /* withdraw what is plain, detach what is a proxy */
     :: atomic {
          do :: n < NE && (up[n] != p || !(mask[n] >> round[p] & 1) || (n < NW && n == sel[p])) -> n++ :: else -> break od;
          if :: n < NW || n == NE :: else -> x = n - NW; u = unarmed[x]; m = (n == sel[p] -> win[x] : NOBODY) fi };
        if
        :: n < NW -> disarm(n)
        :: n >= NW && n < NE ->
           if :: m != NOBODY || MUT != 8 -> settle(x) :: else fi;
           if :: u != NOBODY && u >= NW && u != m -> settle_inner(u) :: else fi;
           if :: m != NOBODY && m >= NW -> settle_inner(m) :: else fi;
           if :: !keep[x] -> withdraw_all(x) :: else fi;
           if :: keep[x] && m != NOBODY && MUT != 17 -> atomic { !plk[x]; append_once(ready[x], m) } :: else fi;
           x = NOBODY; u = 0; m = 0
        :: n == NE -> break
        fi;
        n++
     od;
     word[p] == DONE;
     atomic {                                                       /* return: B1, B2, B4 */
       assert(sel[p] == CANCELLED || mask[sel[p]] >> round[p] & 1);
       m = sel[p]; do :: m >= NW && m < NE -> m = win[m - NW] :: else -> break od; assert(m < NW || m == CANCELLED);
       for (j : 0 .. NW - 1) {
         if
         :: party_of(j) == p ->
            assert(!(linked[j] && up[j] == p));
            assert(got[j] == due[j] && (got[j] != 0) == (j == m));
            if
            :: got[j] != 0 && got[j] != CLOSED -> if :: dr[j] == SEND -> sent[ch[j]]++ :: else -> received[ch[j]]++ fi
            :: else
            fi;
            got[j] = 0; due[j] = 0
         :: else
         fi
       }
       j = 0; m = 0; n = 0; c = 0; w = 0; res = NONE; published = false; linking = false; down = false;
       alive[p] = false; round[p]++
     };
     do
     :: atomic { next_event(party_of(w) == p && quit[w] == round[p]) }; if :: w < NW -> remove(w); w++ :: else -> break fi
     od;
     atomic { w = NOBODY; c = 0 }
  :: else -> break
  od;
  w = 0;
  do
  :: atomic { next_event(heir[p] == NOBODY && party_of(w) == p && up[w] >= NP && !gone[w]) }; if :: w < NW -> remove(w); w++ :: else -> break fi
  od;
  atomic {
    for (k : 0 .. NX - 1) {
      if
      :: up[NW + k] == p && heir[p] != NOBODY -> up[NW + k] = heir[p]
      :: party_of(NW + k) == p && heir[p] == NOBODY -> target[k] = NOBODY;
         if :: up[NW + k] >= NP -> erase(ready[up[NW + k] - NP], NW + k) :: else fi
      :: else
      fi
    }
    over[p] = true
  }
}

/* Closes a channel: takes all who wait there to itself. Then, part by part (here of one): locks, claims, unlocks, finishes. */
proctype closer(byte c) {
  byte w2, up2, p2, o, t, cx, cy, ans, mine, j, l;
  atomic { !lk[c] -> lk[c] = true; closed[c] = true; refusing[c] = true; unlock(c) };
  do
  :: atomic { !lk[c] && q[c * 2].n + q[c * 2 + 1].n > 0 -> lk[c] = true;
       o = (q[c * 2 + 1].n > 0 -> c * 2 + 1 : c * 2); w2 = q[o].a[0]; up2 = up[w2]; unlink(o, w2) };
     try_win();
     atomic { if :: ans == TAKEN -> due[w2] = CLOSED :: else fi; unlock(c) };
     if
     :: ans == TAKEN -> atomic { p2 = party_of(w2); mine = round[p2]; finish_step(true) }; atomic { finish_step(false) }
     :: else
     fi
  :: atomic { !lk[c] && q[c * 2].n + q[c * 2 + 1].n == 0 -> lk[c] = true; refusing[c] = false; unlock(c); break }
  od
}

proctype canceller(byte p) {
  do
  :: atomic { parked[p] && word[p] == OPEN -> word[p] = DONE; sel[p] = CANCELLED }
  :: over[p] -> break
  od
}

#define E(w_, of_, c_, d_) up[w_] = of_; ch[w_] = c_; dr[w_] = d_; if :: of_ >= NP -> append(ready[of_ - NP], w_) :: else fi
#define X(x_, of_, keep_) up[NW + x_] = of_; keep[x_] = keep_; if :: of_ >= NP -> append(ready[of_ - NP], NW + x_) :: else fi
init {
  byte x;
  atomic {
    read_mutant();
    for (x : 0 .. NP - 1) { K[x] = 1; word[x] = DONE; heir[x] = NOBODY; after[x] = NOBODY }
    for (x : 0 .. NE - 1) { mask[x] = 255 }
    for (x : 0 .. NW - 1) { quit[x] = NOBODY }
    for (x : 0 .. NX - 1) { target[x] = NOBODY; win[x] = NOBODY; unarmed[x] = NOBODY }
    SETUP;
    for (x : 0 .. NCH - 1) { if :: closing[x] -> run closer(x) :: else fi }
    for (x : 0 .. NP - 1) { run party(x); if :: cancelling[x] -> run canceller(x) :: else fi }
  }
  _nr_pr == 1;
  for (x : 0 .. NX - 1) { assert(ready[x].n == 0 && target[x] == NOBODY && !plk[x]) }
  for (x : 0 .. NCH - 1) {
    assert(q[x * 2].n == 0 && q[x * 2 + 1].n == 0);
    assert(sent[x] == accepted[x] && received[x] == delivered[x] && accepted[x] == delivered[x] + b[x].n)
  }
}
