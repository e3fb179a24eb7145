with suppressed_emails as (

    select * from {{ ref('suppressed_emails') }}

),

hash_keys as (

    select * from {{ source('raw', 'hash_keys') }}

),

final as (

    select
        {{ email_hash('suppressed_emails.email', 'hash_keys.key') }} as email_hash,
        suppressed_emails.reason,
        suppressed_emails.suppressed_at
    from suppressed_emails
    cross join hash_keys

)

select * from final
