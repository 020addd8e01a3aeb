//! Parent and child. Both sides are written by the world alone, so that they never disagree.

use std::collections::BTreeSet;

use keel_module_macros::data;
use keel_state::StateError;

use crate::model::bundle::Stored;
use crate::model::reaction::Before;
use crate::{Component, ComponentAccess, EcsError, Entity, Untracked, World};

/// The bytes of both sides of one child, where they are new.
pub(crate) const FAMILY_BYTES: usize = size_of::<Parent>() + size_of::<Children>();

/// The entity that this one belongs to.
#[data(crate = keel_ecs)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    entity: Entity,
}

impl Component for Parent {
    const NAME: &'static str = "Parent";
    const ACCESS: ComponentAccess = ComponentAccess::World;
    type Tracking = Untracked;
}

impl Parent {
    /// The parent's id.
    pub fn entity(&self) -> Entity {
        self.entity
    }
}

/// The entities that belong to this one, in the order in which they came.
#[data(crate = keel_ecs)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Children {
    entities: Vec<Entity>,
}

impl Component for Children {
    const NAME: &'static str = "Children";
    const ACCESS: ComponentAccess = ComponentAccess::World;
    type Tracking = Untracked;
}

impl Children {
    /// The children's ids.
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }
}

impl World {
    /// Makes `child` belong to `parent`; it leaves the parent it had. With `None` it belongs to nobody.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] for a stale id, [`EcsError::CyclicParent`] when `parent` is `child` or below it;
    /// [`EcsError::Limit`].
    pub fn set_parent(&mut self, child: Entity, parent: Option<Entity>) -> Result<(), EcsError> {
        self.check_alive(child)?;
        let Some(parent) = parent else { return self.leave_parent(child) };
        self.check_alive(parent)?;
        if parent == child || self.ancestors(parent).any(|ancestor| ancestor == child) {
            return Err(EcsError::CyclicParent { child, parent });
        }
        self.check_growth::<(Parent,)>(child)?;
        self.check_growth::<(Children,)>(parent)?;
        self.put_parent(child, parent)
    }

    /// [`World::set_parent`] where both live, neither is below the other, and there is room.
    pub(crate) fn put_parent(&mut self, child: Entity, parent: Entity) -> Result<(), EcsError> {
        let before = self.before_insert(child, &[Parent::ID])?;
        self.leave_parent_now(child);
        self.before_change(child);
        self.before_change(parent);
        self.structure_changed();
        let known = self.entities.get::<&mut Children>(parent.inner());
        let joined = known.map(|mut children| children.entities.push(child)).is_ok();
        if !joined {
            // Both live, as was checked above.
            let children = (Children { entities: vec![child] },);
            let _ = self.entities.insert(parent.inner(), Stored::new(children, &self.types));
            self.after_insert(parent, Before::default(), &[Children::ID]);
        }
        let parent = (Parent { entity: parent },);
        let _ = self.entities.insert(child.inner(), Stored::new(parent, &self.types));
        self.after_insert(child, before, &[Parent::ID]);
        Ok(())
    }

    /// The entity that `child` belongs to.
    pub fn parent(&self, child: Entity) -> Option<Entity> {
        let entity = self.entities.entity(child.inner()).ok()?;
        entity.get::<&Parent>().map(|parent| parent.entity)
    }

    /// The entities that belong to `parent`, in the order in which they came.
    pub fn children(&self, parent: Entity) -> Vec<Entity> {
        let entity = self.entities.entity(parent.inner()).ok();
        let children = entity.and_then(|entity| Some(entity.get::<&Children>()?.entities.clone()));
        children.unwrap_or_default()
    }

    /// Parent, grandparent and so on.
    pub fn ancestors(&self, entity: Entity) -> impl Iterator<Item = Entity> + '_ {
        std::iter::successors(self.parent(entity), |above| self.parent(*above))
    }

    /// All entities below `entity`, parents before their children.
    pub fn descendants(&self, entity: Entity) -> Vec<Entity> {
        let mut found = self.children(entity);
        let mut next = 0;
        while next < found.len() {
            found.extend(self.children(found[next]));
            next += 1;
        }
        found
    }

    /// Entities without a parent that have children.
    pub fn roots(&self) -> Vec<Entity> {
        self.query_filtered::<Entity, (crate::With<Children>, crate::Without<Parent>)>().iter().collect()
    }

    /// Adds an entity with `bundle`'s components that belongs to `parent`.
    ///
    /// # Errors
    /// [`EcsError::NoSuchEntity`] when `parent` does not live; [`EcsError::Limit`].
    ///
    /// # Panics
    /// As [`World::spawn`].
    pub fn spawn_child<B: crate::Bundle>(&mut self, parent: Entity, bundle: B) -> Result<Entity, EcsError> {
        self.check_alive(parent)?;
        self.check_room(1, FAMILY_BYTES)?;
        let child = self.spawn(bundle);
        self.put_parent(child, parent)?;
        Ok(child)
    }

    /// Refuses a hierarchy that the world would not have written: it is restored like any other components.
    ///
    /// # Errors
    /// [`StateError::Corrupt`] where the two sides don't agree, and where somebody is above itself.
    pub(crate) fn check_hierarchy(&self) -> Result<(), StateError> {
        let mut children = BTreeSet::new();
        let mut is_whole = true;
        self.query::<(Entity, &Children)>().for_each(|(parent, below)| {
            let mut entities = below.entities.iter();
            is_whole &= entities.all(|child| self.parent(*child) == Some(parent) && children.insert(*child));
        });
        let count = self.query_filtered::<Entity, crate::With<Parent>>().iter().count();
        // Each child has one parent then, so one that no root leads to is below itself.
        let below_roots = || self.roots().into_iter().map(|root| self.descendants(root).len()).sum::<usize>();
        match is_whole && children.len() == count && below_roots() == count {
            true => Ok(()),
            false => Err(StateError::Corrupt {
                expected: "a hierarchy whose parents and children know each other".to_owned(),
                found: "another".to_owned(),
            }),
        }
    }

    pub(crate) fn leave_parent(&mut self, child: Entity) -> Result<(), EcsError> {
        let before = self.before_remove(child, &[Parent::ID])?;
        self.leave_parent_now(child);
        self.after_remove(child, before);
        Ok(())
    }

    fn leave_parent_now(&mut self, child: Entity) {
        let Some(parent) = self.parent(child) else { return };
        self.before_change(child);
        self.before_change(parent);
        self.structure_changed();
        let Ok(Parent { entity: parent }) = self.entities.remove_one::<Parent>(child.inner()) else { return };
        let is_last = self.entities.get::<&mut Children>(parent.inner()).is_ok_and(|mut children| {
            let is_last = children.entities == [child];
            if !is_last {
                children.entities.retain(|entity| *entity != child);
            }
            is_last
        });
        if is_last {
            // A list of ids can be encoded.
            let before = self.before_remove(parent, &[Children::ID]).unwrap_or_default();
            // `Children` was found above, so it is there to be removed.
            let _ = self.entities.remove_one::<Children>(parent.inner());
            self.after_remove(parent, before);
        }
    }
}
