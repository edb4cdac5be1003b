/* Shares of the columns in a row's score in one tree of a random cut forest. */
#ifndef ALGOS_CUT_ATTRIBUTION_H
#define ALGOS_CUT_ATTRIBUTION_H

#include "_cut_score.h"

#endif
