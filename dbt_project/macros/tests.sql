{#- The named columns together are unique; stands in for the test of a package that is not fetched. -#}
{% test unique_together(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as rows_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}

{#- A column lies between two bounds, nulls apart. -#}
{% test between(model, column_name, low, high) %}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} < {{ low }} or {{ column_name }} > {{ high }}
{% endtest %}

{#- No audit of an area has reached a level; the failing rows say in words what was found. -#}
{% test no_audit_at_level(model, area, level) %}
    select kind, subject, found_count, words
    from {{ model }}
    where area = '{{ area }}' and level = '{{ level }}'
{% endtest %}
