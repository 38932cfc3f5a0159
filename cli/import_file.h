/* SPDX-License-Identifier: Apache-2.0 */
/* People and badge numbers as a file says them, checked as far as the file alone allows. */
#pragma once

#include "common/broker.h"
#include "policy/store.h"

#define IMPORT_BYTES_MAX (64U * 1024U * 1024U)
#define IMPORT_PEOPLE_MAX 250000U
#define IMPORT_BADGES_MAX 500000U
#define IMPORT_BADGES_EACH_MAX 8U
#define IMPORT_PROBLEMS_MAX 50U /* that are told; the rest is counted */

struct import_problem {
        unsigned line;
        char text[200]; /* a sentence; never with a badge's number */
};

struct import_person {
        unsigned line;
        char *user, *full_name; /* one allocation: user's */
        uint64_t not_before_usec, not_after_usec;
        enum person_state state;
        enum person_kind kind;
};

struct import_badge {
        struct badge_number number;
        uint32_t person;                                    /* its place among the people */
        bool none;                                          /* it has a problem already */
        uint8_t index[BADGE_INDEXES_MAX][BADGE_INDEX_SIZE]; /* under each key; import.c asks for them */
};

struct import {
        struct import_person *people;
        struct import_badge *badges; /* in the order of their people */
        size_t n_people, room_people, n_badges, room_badges;
        struct import_problem problems[IMPORT_PROBLEMS_MAX];
        size_t n_problems; /* also those that are not kept */
};

struct import *import_new(void);
/* Wipes numbers. */
struct import *import_free(struct import *im);
DEFINE_CLEANUP(struct import, import_free)

/* One more problem. */
void import_problem(struct import *im, unsigned line, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* What one line says, as texts; NULL or "" for what is not there. */
struct import_fields {
        const char *user, *full_name, *not_before, *not_after, *kind, *state;
        const char *badge_numbers; /* hexadecimal, with spaces between */
};
/* Checks one person and adds her, with her badges. What is wrong is a problem, and no error; then she is not
 * added. -ENOMEM. */
int import_add(struct import *im, const struct import_fields *f, unsigned line, uint64_t now_usec);

/* Read all of a file. What is wrong with it is a problem. -ENOMEM. */
int import_read_csv(struct import *im, struct bytes text, uint64_t now_usec);
int import_read_json(struct import *im, struct bytes text, uint64_t now_usec);
/* After either: people who stand there twice, and badges with two owners. -ENOMEM. */
int import_find_twins(struct import *im);
