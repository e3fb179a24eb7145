{#-
    A link of a message as it is for everybody: without the message's id (`m`, or what stands behind a link that counts
    clicks, `/c/…/`), without campaign parameters, and without the token by which a person leaves or sets preferences.
-#}
{% macro link_of(url) -%}
    {{ adapter.dispatch('link_of')(url) }}
{%- endmacro %}

{% macro default__link_of(url) -%}
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace({{ url }}, '([?&])(m|utm_[a-z_]+)=[^&#]*', '\1', 'g'),
                '([?&])&+', '\1', 'g'
            ),
            '[?&]+(#|$)', '\1'
        ),
        '/(unsubscribe|preferences|~|c/[A-Za-z0-9_-]+[.][A-Za-z0-9_-]{14})/[^/?#]+', '/\1'
    )
{%- endmacro %}

{#- A link that no person sees (`Site.hidden_url` in rendering/links.py): whoever follows it reads the markup. -#}
{% macro is_hidden_link(url) -%}
    coalesce(split_part({{ url }}, '?', 1) like '%/~/%', false)
{%- endmacro %}

{#-
    Whether a bounce condemns its message alone: the mailbox is full, the server is busy or declines for now (4xx,
    RFC 3463 §2), or the vendor says so in a word.
-#}
{% macro is_soft_bounce(reason) -%}
    coalesce(regexp_matches(lower(trim({{ reason }})), '^(soft|block|transient|deferred|4[0-9][0-9]([ -]|$)|4[.][0-9]+[.])'), false)
{%- endmacro %}
