/* SPDX-License-Identifier: Apache-2.0 */
/* The command line that both dresses share. */
#pragma once

#include "tests/virtual/key.h"

struct key_options {
        struct key_config config;
        const char *name, *dir, *log; /* borrowed from argv; dir has a default, log may be NULL */
};

/* 0, or -EINVAL after it has said on stderr what is wrong. */
int key_options_parse(int argc, char **argv, struct key_options *ret);
/* Appends one line to the log, for config.on_command; userdata is the options. */
void key_options_log(void *userdata, const char *line);
