//! Who writes. Everybody is invented.

/// A person: who, where, and how many minutes east of Greenwich.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// What the texts call them; the local part of their address.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) zone_minutes: i16,
}

impl Person {
    pub(crate) fn address(self) -> String {
        format!("{}@{}", self.key, self.domain)
    }
}

/// The owner's address, which is the account's name.
pub(crate) const OWNER_ADDRESS: &str = "robin@example.org";

pub(crate) const OWNER: Person = person("robin", "Robin Ferrante", "example.org", 60);

const fn person(key: &'static str, name: &'static str, domain: &'static str, zone_minutes: i16) -> Person {
    Person { key, name, domain, zone_minutes }
}

const PEOPLE: &[Person] = &[
    OWNER,
    person("tomas", "Tomás Arrieta", "lighthouse.example", 60),
    person("ines", "Inês Carvalho", "lighthouse.example", 0),
    person("mei", "Mei Tanaka", "lighthouse.example", 540),
    person("amara", "Amara Okafor", "lighthouse.example", 60),
    person("yusuf", "Yusuf Demir", "lighthouse.example", 180),
    person("jonas", "Jonas Ferrante", "example.net", 60),
    person("greta", "Greta Ferrante", "example.net", 60),
    person("elodie", "Élodie Marchand", "example.com", 60),
    person("haruka", "山本 遥", "studio.example", 540),
    person("pavel", "Павел Громов", "example.com", 180),
    person("siobhan", "Siobhán Ní Bhriain", "example.net", 0),
    person("kwame", "Kwame Mensah", "clock.example", 0),
    person("oskar", "Oskar Lindqvist", "clock.example", 60),
    person("lucia", "Lucía Benítez", "clock.example", -180),
    person("jana", "Jana Nováková", "knihovna.example", 60),
    person("zofia", "Zofia Wiśniewska", "czcionka.example", 60),
    person("nikos", "Νίκος Αλεξίου", "example.com", 120),
    person("oksana", "Оксана Коваль", "choir.example", 120),
    person("wei", "李薇", "clock.example", 480),
    person("yiting", "陳怡婷", "museum.example", 480),
    person("minjun", "김민준", "museum.example", 540),
    person("noa", "נועה לוי", "example.com", 120),
    person("layla", "ليلى حداد", "maps.example", 120),
    person("emre", "Emre Yıldız", "example.net", 180),
    person("sigrun", "Sigrún Ævarsdóttir", "example.com", 0),
    person("aino", "Aino Mäkelä", "example.net", 120),
    person("laszlo", "Szőke László", "example.com", 60),
    person("linh", "Nguyễn Thùy Linh", "clock.example", 420),
    person("somchai", "สมชาย ใจดี", "example.com", 420),
    person("priya", "प्रिया शर्मा", "library.example", 330),
    person("tamar", "თამარ ბერიძე", "example.com", 240),
    person("andrius", "Andrius Žukas", "harbour.example", 120),
    person("joana", "João & Joana, Lda.", "example.net", 0),
    person("ludovic", "Ludoviko Ĝentila", "example.com", 60),
    person("marta", "Marta Lind", "archive.example", 60),
];

/// Who the texts mean; the owner where they mean nobody.
pub(crate) fn called(key: &str) -> Person {
    PEOPLE.iter().copied().find(|person| person.key == key).unwrap_or(OWNER)
}

/// Whether the texts may call somebody by this name.
#[cfg(test)]
pub(crate) fn is_known(key: &str) -> bool {
    PEOPLE.iter().any(|person| person.key == key)
}
