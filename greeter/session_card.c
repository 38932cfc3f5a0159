/* SPDX-License-Identifier: Apache-2.0 */
/* Cards: plain text on one dark colour, legible from 1.5 m. */
#include "greeter/session_card.h"

#include <cairo-xcb.h>
#include <errno.h>
#include <pango/pangocairo.h>

#include "common/util.h"

/* Letters are shares of the monitor's shorter side, places of its height or width. A letter that is read
 * from 1.5 m is about 10 mm high with what hangs above and below: 3.5 % of a usual monitor. */
static const struct style {
        double letters, least; /* size of the first line's letters: at best, and after shrinking */
        double rest;           /* the other lines' letters; 0: there are none */
        double width, height;  /* the most that text takes */
        double middle;         /* where the card's middle stands, from the top; 2: at the lower edge */
        int lines;             /* of each paragraph, at most */
        uint32_t border, background;
        bool bold;
} styles[VIEW_MAX] = {
        [VIEW_COVER] = {0.09, 0.05, 0, 0.8, 0.5, 0.5, 1, CARD_BACKGROUND, CARD_BACKGROUND, false},
        [VIEW_BANNER] = {0.036, 0.03, 0, 0.7, 0.06, 2, 1, 0x5C86B0, CARD_BACKGROUND, false},
        /* At the upper edge; white on this red has a contrast of 7:1. */
        [VIEW_EMERGENCY] = {0.036, 0.03, 0, 0.7, 0.06, 0, 1, 0xFFFFFF, 0xA30000, true},
        [VIEW_COUNTDOWN] = {0.055, 0.036, 0, 0.8, 0.25, 0.62, 3, 0xFFB300, CARD_BACKGROUND, true},
        [VIEW_NAME] = {0.12, 0.05, 0.05, 0.86, 0.6, 0.5, 3, CARD_BACKGROUND, CARD_BACKGROUND, true},
        [VIEW_NOTICE] = {0.055, 0.032, 0, 0.76, 0.36, 0.25, 7, 0xFFFFFF, CARD_BACKGROUND, true},
};

struct card {
        const struct style *style;
        struct monitor place;
        PangoLayout *layout;
        int padding, border; /* pixels */
};

bool card_is_whole(enum view view) {
        return view == VIEW_COVER || view == VIEW_NAME;
}

/* All behind begin, a byte of the text: smaller and plain. */
static void add_rest(PangoAttrList *list, double size, guint begin) {
        PangoAttribute *rest = pango_attr_size_new_absolute((int) (size * PANGO_SCALE));
        PangoAttribute *plain = pango_attr_weight_new(PANGO_WEIGHT_NORMAL);
        rest->start_index = plain->start_index = begin;
        pango_attr_list_insert(list, rest);
        pango_attr_list_insert(list, plain);
}

/* The first line in letters of size pixels, the others in letters of rest pixels. */
static void set_letters(PangoLayout *layout, bool bold, double size, double rest) {
        PangoFontDescription *font = pango_font_description_from_string("Sans");
        pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
        pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
        pango_layout_set_font_description(layout, font);
        pango_font_description_free(font);

        PangoAttrList *list = pango_attr_list_new();
        pango_attr_list_insert(list,
                               pango_attr_insert_hyphens_new(FALSE)); /* a broken word stays as it is */
        const char *newline = strchr(pango_layout_get_text(layout), '\n');
        if (newline)
                add_rest(list, rest, (guint) (newline - pango_layout_get_text(layout)));
        pango_layout_set_attributes(layout, list);
        pango_attr_list_unref(list);
}

static bool fits(PangoLayout *layout, const struct style *style, int height) {
        int w, h;
        pango_layout_get_pixel_size(layout, &w, &h);
        return h <= height && !pango_layout_is_ellipsized(layout);
}

static int shorter(const struct monitor *m) {
        return m->width < m->height ? m->width : m->height;
}

/* The largest letters with which all of the text is there; else the smallest, and the text is cut. */
static void fit(PangoLayout *layout, const struct style *style, const struct monitor *m) {
        int height = (int) (style->height * m->height);
        double size = style->letters * shorter(m), least = style->least * shorter(m),
               rest = style->rest * shorter(m);
        pango_layout_set_width(layout, (int) (style->width * m->width) * PANGO_SCALE);
        pango_layout_set_height(layout, -style->lines);
        set_letters(layout, style->bold, size, rest);
        while (size > least && !fits(layout, style, height)) {
                size = size * 0.88 > least ? size * 0.88 : least;
                set_letters(layout, style->bold, size, rest);
        }
}

static int inside(int v, int least, int most) {
        return v < least ? least : v > most ? most : v;
}

static void set_place(struct card *c, const struct monitor *m, bool alone) {
        int w, h;
        pango_layout_get_pixel_size(c->layout, &w, &h);
        w = inside(w + 2 * c->padding, 1, m->width);
        h = inside(h + (alone ? 2 : 1) * c->padding, 1, m->height);
        int y = (int) (c->style->middle * m->height) - h / 2;
        c->place = (struct monitor){.x = (int16_t) (m->x + (m->width - w) / 2),
                                    .y = (int16_t) (m->y + inside(y, 0, m->height - h)),
                                    .width = (uint16_t) w,
                                    .height = (uint16_t) h};
}

int card_new(enum view view, const char *text, const struct monitor *monitor, struct card **ret) {
        struct card *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
        c->style = &styles[view];
        c->padding = inside((int) (c->style->least * shorter(monitor)), 4, 200);
        c->border = inside(shorter(monitor) / 200, 2, 16);
        c->layout = pango_layout_new(context);
        g_object_unref(context);
        pango_layout_set_text(c->layout, text, -1);
        pango_layout_set_alignment(c->layout, PANGO_ALIGN_CENTER);
        pango_layout_set_wrap(c->layout, PANGO_WRAP_WORD_CHAR);
        pango_layout_set_ellipsize(c->layout, PANGO_ELLIPSIZE_END);
        fit(c->layout, c->style, monitor);
        set_place(c, monitor, view != VIEW_BANNER && view != VIEW_EMERGENCY);
        *ret = c;
        return 0;
}

struct card *card_free(struct card *c) {
        if (!c)
                return NULL;
        g_object_unref(c->layout);
        free(c);
        return NULL;
}

struct monitor card_place(const struct card *c) {
        return c->place;
}

static void set_color(cairo_t *cr, uint32_t rgb) {
        cairo_set_source_rgb(cr, (rgb >> 16 & 0xFF) / 255.0, (rgb >> 8 & 0xFF) / 255.0,
                             (rgb & 0xFF) / 255.0);
}

static void draw(cairo_t *cr, const struct card *c) {
        int w, h;
        set_color(cr, c->style->border);
        cairo_paint(cr);
        set_color(cr, c->style->background);
        cairo_rectangle(cr, c->border, c->border, c->place.width - 2 * c->border,
                        c->place.height - 2 * c->border);
        cairo_fill(cr);
        /* The layout is as wide as text may become, and centres it: so it is with its middle on ours. */
        pango_layout_get_pixel_size(c->layout, &w, &h);
        set_color(cr, 0xFFFFFF);
        cairo_move_to(cr, (c->place.width - pango_layout_get_width(c->layout) / PANGO_SCALE) / 2.0,
                      (c->place.height - h) / 2.0);
        pango_cairo_show_layout(cr, c->layout);
}

xcb_pixmap_t card_paint(const struct card *c, xcb_connection_t *x, const xcb_screen_t *screen,
                        xcb_visualtype_t *visual) {
        xcb_pixmap_t pixmap = xcb_generate_id(x);
        (void) xcb_create_pixmap(x, screen->root_depth, pixmap, screen->root, c->place.width,
                                 c->place.height);
        cairo_surface_t *surface =
                cairo_xcb_surface_create(x, pixmap, visual, c->place.width, c->place.height);
        cairo_t *cr = cairo_create(surface);
        draw(cr, c);
        bool good = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
        cairo_destroy(cr);
        cairo_surface_finish(surface);
        cairo_surface_destroy(surface);
        if (good)
                return pixmap;
        (void) xcb_free_pixmap(x, pixmap);
        return 0;
}
