/* MUT, the mutant that is run; 0 is none. Named when the verifier runs (MUT=3 ./pan), so that one verifier serves them all: for
   a model that takes longer to build than to run. Or fixed by -DMUT=3, so that spin -t can replay a trail. */
#ifdef MUT
#define read_mutant() skip
#else
#define MUT mutant
local byte mutant;                       /* local: never changes, so reading it is no step that others could see */
inline read_mutant() { c_code { const char* m = getenv("MUT"); now.mutant = m ? atoi(m) : 0; } }
#endif
