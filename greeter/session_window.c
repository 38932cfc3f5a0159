/* SPDX-License-Identifier: Apache-2.0 */
/* Windows. Their picture is their background, so the server redraws them and this program sleeps. */
#include "greeter/session_screen_internal.h"

static const char class_name[] = "wardtap-session\0Wardtap-session";

/* Input over a window of ours ends there: it must not reach the root window, where a window manager may
 * listen for clicks. */
#define SWALLOWED                                                                                           \
        (XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_KEY_RELEASE | XCB_EVENT_MASK_BUTTON_PRESS |              \
         XCB_EVENT_MASK_BUTTON_RELEASE | XCB_EVENT_MASK_POINTER_MOTION)

static xcb_window_t create(struct screen *s, xcb_window_t parent, const struct monitor *place) {
        xcb_window_t window = xcb_generate_id(s->x);
        /* In the order of their masks. */
        const uint32_t values[] = {s->background, parent == s->screen->root, SWALLOWED};
        (void) xcb_create_window(
                s->x, XCB_COPY_FROM_PARENT, window, parent, place->x, place->y, place->width, place->height,
                0, XCB_WINDOW_CLASS_INPUT_OUTPUT, s->screen->root_visual,
                XCB_CW_BACK_PIXEL | XCB_CW_OVERRIDE_REDIRECT | XCB_CW_DONT_PROPAGATE, values);
        return window;
}

/* The text as one line. */
static void set_title(struct screen *s, xcb_window_t window, const char *text) {
        char line[2 * WORDS_TEXT_SIZE];
        size_t n = 0;
        for (; *text && n + 2 < sizeof(line); text++) {
                if (*text == '\n')
                        line[n++] = ',';
                line[n++] = *text == '\n' ? ' ' : *text;
        }
        (void) xcb_change_property(s->x, XCB_PROP_MODE_REPLACE, window, s->net_wm_name, s->utf8_string, 8,
                                   (uint32_t) n, line);
}

static void set_picture(struct screen *s, xcb_window_t window, const struct card *card) {
        xcb_pixmap_t pixmap = card_paint(card, s->x, s->screen, s->visual);
        if (pixmap == 0)
                return;
        (void) xcb_change_window_attributes(s->x, window, XCB_CW_BACK_PIXMAP, &pixmap);
        (void) xcb_free_pixmap(s->x, pixmap); /* the server keeps it as long as the window needs it */
        (void) xcb_clear_area(s->x, 0, window, 0, 0, 0, 0);
}

static void move(struct screen *s, xcb_window_t window, const struct monitor *place) {
        const uint32_t values[] = {(uint32_t) place->x, (uint32_t) place->y, place->width, place->height};
        (void) xcb_configure_window(s->x, window,
                                    XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH |
                                            XCB_CONFIG_WINDOW_HEIGHT,
                                    values);
}

/* The card of a window, with the text of now. */
static void put_card(struct screen *s, enum view view, struct view_window *w, const struct monitor *m) {
        struct card *card = NULL;
        bool whole = card_is_whole(view);
        if (card_new(view, s->views[view].text, m, &card) < 0)
                return;
        struct monitor place = card_place(card);
        if (whole) {
                place.x = (int16_t) (place.x - m->x);
                place.y = (int16_t) (place.y - m->y);
        }
        if (w->card == 0)
                w->card = create(s, w->top, &place);
        else
                move(s, w->card, &place);
        set_picture(s, w->card, card);
        (void) card_free(card);
        if (whole)
                (void) xcb_map_window(s->x, w->card);
}

static void make_top(struct screen *s, enum view view, struct view_window *w, const struct monitor *m) {
        w->top = create(s, s->screen->root, m);
        (void) xcb_change_property(s->x, XCB_PROP_MODE_REPLACE, w->top, XCB_ATOM_WM_CLASS, XCB_ATOM_STRING,
                                   8, sizeof(class_name), class_name);
        set_title(s, w->top, s->views[view].text);
}

void windows_make(struct screen *s, enum view view) {
        struct view_window *w = s->views[view].windows;
        for (size_t i = 0; i < s->n_monitors; i++) {
                make_top(s, view, &w[i], &s->monitors[i]);
                if (card_is_whole(view))
                        (void) xcb_map_window(s->x, w[i].top);
                else
                        w[i].card = w[i].top;
        }
        (void) xcb_flush(s->x); /* what hides the session hides it before its text is drawn */
        for (size_t i = 0; i < s->n_monitors; i++) {
                put_card(s, view, &w[i], &s->monitors[i]);
                (void) xcb_map_window(s->x, w[i].top);
        }
}

void windows_change(struct screen *s, enum view view) {
        struct view_window *w = s->views[view].windows;
        for (size_t i = 0; i < s->n_monitors; i++) {
                set_title(s, w[i].top, s->views[view].text);
                put_card(s, view, &w[i], &s->monitors[i]);
        }
}

void windows_destroy(struct screen *s, enum view view) {
        struct view_window *w = s->views[view].windows;
        for (size_t i = 0; i < MONITORS_MAX; i++) {
                if (w[i].top != 0)
                        (void) xcb_destroy_window(s->x, w[i].top);
                w[i] = (struct view_window){0};
        }
}

void windows_raise(struct screen *s) {
        const uint32_t above = XCB_STACK_MODE_ABOVE;
        for (int view = 0; view < VIEW_MAX; view++)
                for (size_t i = 0; i < MONITORS_MAX; i++)
                        if (s->views[view].windows[i].top != 0)
                                (void) xcb_configure_window(s->x, s->views[view].windows[i].top,
                                                            XCB_CONFIG_WINDOW_STACK_MODE, &above);
}

bool windows_is_ours(const struct screen *s, xcb_window_t window) {
        for (int view = 0; view < VIEW_MAX; view++)
                for (size_t i = 0; i < MONITORS_MAX; i++)
                        if (window != 0 && s->views[view].windows[i].top == window)
                                return true;
        return false;
}

bool windows_are_below(struct screen *s) {
        _cleanup_(freep) xcb_query_tree_reply_t *tree =
                xcb_query_tree_reply(s->x, xcb_query_tree(s->x, s->screen->root), NULL);
        if (!tree)
                return false;
        const xcb_window_t *child = xcb_query_tree_children(tree); /* the lowest first */
        bool above = false;
        for (int i = 0; i < xcb_query_tree_children_length(tree); i++) {
                if (windows_is_ours(s, child[i]))
                        above = true;
                else if (above)
                        return true;
        }
        return false;
}
